import { add, div, maximum, mul, pow, sub } from '../../../ops/array/binary.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * Generalised cross-entropy (Zhang and Sabuncu, arXiv:1805.07836) of an attention with a mask that may be wrong, as
 * in Action Selection Learning (Ma et al., CVPR 2021): (1 − p^q) / q, its mean over the snippets of the mask, with p the
 * attention, and over the others, with p one minus it.
 * @param attention (B, T)
 * @param mask (B, T), 1 and 0
 * @returns their sum, the mean over the videos, one element
 */
export function generalizedCrossEntropy(attention: Tensor, mask: Tensor, q: number): Tensor {
  return attention.runtime.scope(() => {
    const side = (probability: Tensor, among: Tensor) => {
      const losses = scaleShift(pow(maximum(probability, 1e-8), q), -1 / q, 1 / q);
      const counts = maximum(sum(among, { axes: 1 }), 1);
      return mean(div(sum(mul(losses, among), { axes: 1 }), counts));
    };
    return add(side(attention, mask), side(sub(1, attention), sub(1, mask)));
  });
}
