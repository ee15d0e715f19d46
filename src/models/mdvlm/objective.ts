import type { LastLayer } from '../../diffusion/masked.js';
import { OptionError } from '../../errors.js';
import { mul } from '../../ops/binary.js';
import { linearCrossEntropy } from '../../ops/linear-cross-entropy.js';
import { sum } from '../../ops/reduce.js';
import type { Tensor } from '../../tensor/tensor.js';

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
export function weightedCrossEntropy(
  { hidden, weight }: LastLayer,
  targets: Tensor,
  weights: Tensor,
): Tensor {
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
  { full, warmup, steps }: { readonly full: number; readonly warmup: number; readonly steps: number },
): number {
  if (!(full >= 0 && warmup >= 0 && warmup <= 1 && steps > 0)) {
    throw new OptionError(`no reward of weight ${full} that warms up over ${warmup} of ${steps} steps`);
  }
  const rise = warmup * steps;
  return step < rise ? (full * step) / rise : full;
}
