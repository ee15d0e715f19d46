import { sub } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { relu } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * By how much the background's mean probability over a video exceeds a share (ours), so that the background does not take
 * whole classes.
 * @param background (B, T) probability of the background
 * @returns the mean over the videos, one element
 */
export function backgroundExcess(background: Tensor, above: number): Tensor {
  return background.runtime.scope(() => mean(relu(sub(mean(background, { axes: 1 }), above))));
}
