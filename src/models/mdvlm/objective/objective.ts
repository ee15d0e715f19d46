import { checkArguments, checkFields, integer, numberIn } from '../../../arguments.js';
import { type LastLayer, lastLayerRule } from '../../../diffusion/token-logits.js';
import { mul } from '../../../ops/array/binary.js';
import { sum } from '../../../ops/array/reduce.js';
import { linearCrossEntropy } from '../../../ops/vocabulary/linear-cross-entropy.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';

/** What makes the training loss of MDVLM-TAL, each part on top of those before it. */
export const objectives = ['uniform', '+boundary', '+step-weighted', '+iou'] as const;

/**
 * - `uniform`: the sequence-level cross-entropy of uniform masks alone (LLaDA-V),
 * - `+boundary`: and that of boundary-aware masks, each token over the rate at which it is masked,
 * - `+step-weighted`: these weighted by steps instead (the planned training objective),
 * - `+iou`: and the step-level IoU reward.
 */
export type Objective = (typeof objectives)[number];

/**
 * The cross-entropy of some tokens: Σ weight · -log softmax(hidden · vocabularyᵀ)[target], one element. With weights
 * of `maskWeights` over the answers' lengths and the batch it is the loss of LLaDA-V or the planned one.
 * @param layer hidden states (R, N, D) of answers, and the vocabulary matrix (V, D)
 * @param targets u32 (R, N); one of V or more counts for nothing
 * @param weights f32 (R, N)
 * @throws ShapeError, DtypeError
 */
export function weightedCrossEntropy(layer: LastLayer, targets: Tensor, weights: Tensor): Tensor {
  checkArguments(
    'weightedCrossEntropy',
    { layer, targets, weights },
    { layer: lastLayerRule, targets: anyTensor, weights: anyTensor },
  );
  const { hidden, weight } = layer;
  return hidden.runtime.scope(() => {
    const { loss } = linearCrossEntropy({
      hidden: hidden.reshape([targets.size, -1]),
      weight,
      targets: targets.reshape([-1]),
    });
    return sum(mul(loss, weights.reshape([-1])));
  });
}

/**
 * λ_r of a step: from 0 on it rises in a straight line to its full value over a first share of the steps (ours).
 * @throws OptionError
 */
export function rewardWeight(
  step: number,
  options: { readonly full: number; readonly warmup: number; readonly steps: number },
): number {
  checkArguments('rewardWeight', { step }, { step: integer(0) });
  checkFields('rewardWeight', options, { full: numberIn(0), warmup: numberIn(0, 1), steps: integer(1) });
  const { full, warmup, steps } = options;
  const rise = warmup * steps;
  return step < rise ? (full * step) / rise : full;
}
