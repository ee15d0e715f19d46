import { fill } from '../../ops/array/fill.js';
import { batchNorm, batchNormOperation } from '../../ops/norm/batch-norm.js';
import { batchNormGradientOperation } from '../../ops/norm/batch-norm-gradient.js';
import { channelMomentsOperation } from '../../ops/norm/channel-moments.js';
import { channelMomentsGradientOperation } from '../../ops/norm/channel-moments-gradient.js';
import { groupNormOperation } from '../../ops/norm/group-norm.js';
import { l2NormalizeOperation } from '../../ops/norm/l2-normalize.js';
import { layerNormOperation, rmsNormOperation } from '../../ops/norm/layer-norm.js';
import type { NormOperands, NormProblem } from '../../ops/norm/norm.js';
import { normGradientOperation, normParameters } from '../../ops/norm/norm-gradient.js';
import type { Operation, TensorFields } from '../../ops/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gradientOf, type RuleOfOperation } from '../gradient-rule.js';

export const normRules = [
  normalization(layerNormOperation),
  normalization(rmsNormOperation),
  normalization(groupNormOperation),
  normalization(l2NormalizeOperation),
  gradientOf(batchNormOperation, {
    keeps: () => ({ inputs: ['x', 'mean', 'variance', 'weight'] }),
    rule({ inputs: { x, mean, variance, weight }, problem: { channels, eps }, gradients, wants }) {
      const gradient = gradients.output!;
      const perChannel = (['mean', 'variance', 'weight', 'bias'] as const).some(wants)
        ? batchNormGradientOperation.run({ x, gradient, mean, variance, weight }, { eps })
        : {};
      if (!wants('x')) return perChannel;
      // The gradient goes through the same factors as x does.
      const none = fill(gradient.runtime, [channels], 0);
      return { ...perChannel, x: batchNorm({ x: gradient, mean: none, variance, weight }, { eps }) };
    },
  }),
  gradientOf(channelMomentsOperation, {
    keeps: () => ({ inputs: ['x'], outputs: ['mean'] }),
    rule({ inputs, outputs, gradients }) {
      const { output } = channelMomentsGradientOperation.run(
        {
          x: inputs.x,
          mean: outputs.mean,
          meanGradient: gradients.mean,
          varianceGradient: gradients.variance,
        },
        {},
      );
      return { x: output };
    },
  }),
];

/** The rule of a normalization by the statistics of its own groups. */
function normalization<Operands extends NormOperands & TensorFields<Operands>, Options>(
  operation: Operation<Operands, Options, NormProblem, { output: Tensor }>,
): RuleOfOperation {
  return gradientOf(operation, {
    keeps: () => ({ inputs: ['x', 'weight', 'bias', 'scale'] }),
    rule({ inputs, problem, gradients, wants }) {
      const { x, weight, bias, scale } = inputs;
      const { groups, span, stride, spatial, channelGroups, sampleGroups, statistic, eps } = problem;
      const wanted = normParameters.filter((name) => wants(name as never));
      return normGradientOperation.run(
        { x, gradient: gradients.output!, weight, bias, scale },
        { groups, span, stride, spatial, channelGroups, sampleGroups, statistic, eps, wanted },
      );
    },
  });
}
