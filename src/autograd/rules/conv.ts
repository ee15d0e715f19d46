import { pad } from '../../ops/array/pad.js';
import { permute } from '../../ops/array/permute.js';
import { sum } from '../../ops/array/reduce.js';
import { slice } from '../../ops/array/slice.js';
import { conv2dOperation } from '../../ops/conv/conv.js';
import type { ConvGeometry } from '../../ops/conv/conv-geometry.js';
import { conv2dWeightGradient } from '../../ops/conv/conv-gradient.js';
import { gateSumsOperation } from '../../ops/conv/gate-sums.js';
import { gateSumsGradientOperation } from '../../ops/conv/gate-sums-gradient.js';
import {
  gatedConv2dOperation,
  gatedConv2dPartialOperation,
  gatedConv2dPartialSteps,
  gatedConv2dSteps,
} from '../../ops/conv/gated-conv.js';
import type { Operation, TensorFields } from '../../ops/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gradientOf, type RuleOfOperation } from '../gradient-rule.js';
import { asDtype } from './as-dtype.js';
import { expectNoActivation } from './fused-activation.js';

export const convRules = [
  gradientOf(conv2dOperation, {
    keeps: () => ({ inputs: ['input', 'weight'] }),
    rule({ inputs: { input, weight }, options, problem, gradients, wants }) {
      expectNoActivation('conv2d', options);
      const whole = gradients.output!;
      const { kernelHeight, kernelWidth, stride, padding, dilation, dtype } = problem;
      const gradient = asDtype(whole, dtype);
      const found: Record<string, Tensor> = {};
      if (wants('input')) {
        const { operands, options } = transposedConvolution(gradient, weight, problem);
        found.input = conv2dOperation.run(operands, options).output;
      }
      if (wants('weight')) {
        const options = { kernel: [kernelHeight, kernelWidth], stride, padding, dilation } as const;
        found.weight = conv2dWeightGradient({ input, gradient }, options);
      }
      if (wants('bias')) found.bias = asDtype(sum(whole, { axes: [0, 2, 3] }), dtype);
      return found;
    },
  }),
  gradientOf(gateSumsOperation, {
    keeps: () => ({ inputs: ['sums', 'mask'] }),
    rule: ({ inputs: { sums, mask }, options: { outDtype: _, ...options }, gradients }) => ({
      sums: gateSumsGradientOperation.run({ sums, mask, gradient: gradients.output! }, options).output,
    }),
  }),
  throughSteps(
    gatedConv2dOperation,
    ['input', 'condition', 'weight', 'bias', 'gateWeight', 'gateBias', 'partial', 'mask'],
    gatedConv2dSteps,
  ),
  throughSteps(gatedConv2dPartialOperation, ['input', 'weight', 'gateWeight'], gatedConv2dPartialSteps),
];

/**
 * The rule of a fused operation whose output other operations can compute too, which have rules of their own: it runs
 * them once more and differentiates what they give.
 * @param operands all that `steps` reads
 */
function throughSteps<Inputs extends TensorFields<Inputs>, Options, Problem>(
  operation: Operation<Inputs, Options, Problem, { output: Tensor }>,
  operands: readonly (keyof Inputs & string)[],
  steps: (inputs: Inputs, options: Options) => Tensor,
): RuleOfOperation {
  return gradientOf(operation, {
    keeps: () => ({ inputs: operands }),
    rule({ inputs, options, gradients, wants, differentiate }) {
      const wanted = operands.filter(wants);
      const found = differentiate(
        wanted.map((name) => inputs[name]!),
        () => steps(inputs, options),
        gradients.output!,
      );
      return Object.fromEntries(wanted.map((name, i) => [name, found[i]])) as {
        [Name in keyof Inputs]?: Tensor | undefined;
      };
    },
  });
}

/**
 * The gradient of a convolution by its input, which is a convolution too: of the output's gradient (B, O, OH, OW), its
 * elements as far apart as the strides, with the weight (O, C, KH, KW) turned upside down and its first axes exchanged.
 * @returns operands and options of the convolution that gives (B, C, H, W)
 */
function transposedConvolution(gradient: Tensor, weight: Tensor, geometry: ConvGeometry) {
  const { kernelHeight, kernelWidth, stride, padding, dilation } = geometry;
  const turned = slice(weight, {
    starts: [0, 0, kernelHeight - 1, kernelWidth - 1],
    sizes: weight.shape,
    steps: [1, 1, -1, -1],
  });
  const reach = [dilation[0] * (kernelHeight - 1), dilation[1] * (kernelWidth - 1)] as const;
  const zeros = [reach[0] - padding[0], reach[1] - padding[1]] as const;
  const direct = stride[0] === 1 && stride[1] === 1 && zeros[0] >= 0 && zeros[1] >= 0;
  return {
    operands: {
      input: direct ? gradient : spreadOut(gradient, geometry, reach, zeros),
      weight: permute(turned, [1, 0, 2, 3]),
    },
    options: { padding: direct ? zeros : 0, dilation },
  };
}

/** The gradient with zeros between its elements and around them, as the convolution needs it without padding. */
function spreadOut(
  gradient: Tensor,
  { height, width, stride }: ConvGeometry,
  reach: readonly [number, number],
  zeros: readonly [number, number],
): Tensor {
  const [batches, channels, outHeight, outWidth] = gradient.shape as [number, number, number, number];
  const between = pad(gradient.reshape([batches, channels, outHeight, 1, outWidth, 1]), {
    before: [0, 0, 0, 0, 0, 0],
    after: [0, 0, 0, stride[0] - 1, 0, stride[1] - 1],
  });
  const wide = between.reshape([batches, channels, outHeight * stride[0], outWidth * stride[1]]);
  const size = [height + reach[0], width + reach[1]] as const;
  // Zeros to add on each side; negative where there are too many, or where the convolution padded beyond its reach.
  const before = [0, 0, ...zeros];
  const after = before.map((zeros, axis) => (axis < 2 ? 0 : size[axis - 2]! - wide.shape[axis]! - zeros));
  const positive = (count: number) => Math.max(count, 0);
  const around = pad(wide, { before: before.map(positive), after: after.map(positive) });
  return slice(around, {
    starts: before.map((count) => positive(-count)),
    sizes: [batches, channels, ...size],
  });
}
