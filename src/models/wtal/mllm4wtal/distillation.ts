import { stopGradient } from '../../../autograd/value-and-grad.js';
import { add } from '../../../ops/array/binary.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { meanSquaredError } from '../../../ops/loss/mean-squared-error.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * Draws an attention (B, T) to the mean of others: their mean squared difference, one element. No gradient goes to the others,
 * so that each learns from what they say and not the other way round (the interactive distillation of MLLM4WTAL, by
 * the mutual distillation of Boosting-WTAL, Li et al., arXiv:2305.00607).
 * @param others at least one
 */
export function drawnTo(attention: Tensor, others: readonly Tensor[]): Tensor {
  return attention.runtime.scope(() => {
    const mean = scaleShift(others.reduce(add), 1 / others.length, 0);
    return meanSquaredError({ prediction: attention, target: stopGradient(mean) });
  });
}
