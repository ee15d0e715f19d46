import { linearCrossEntropyOperation } from '../../ops/vocabulary/linear-cross-entropy.js';
import { linearCrossEntropyGradientOperation } from '../../ops/vocabulary/linear-cross-entropy-gradient.js';
import { gradientOf } from '../gradient-rule.js';

export const vocabularyRules = [
  gradientOf(linearCrossEntropyOperation, {
    keeps: () => ({ inputs: ['hidden', 'weight', 'targets'], outputs: ['logSumExp'] }),
    rule: ({ inputs, outputs: { logSumExp }, options, gradients, wants }) =>
      linearCrossEntropyGradientOperation.run(
        { ...inputs, logSumExp, lossGradient: gradients.loss, logSumExpGradient: gradients.logSumExp },
        { ...options, wanted: (['hidden', 'weight'] as const).filter(wants) },
      ),
  }),
];
