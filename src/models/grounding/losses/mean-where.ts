import { div, maximum, mul } from '../../../ops/array/binary.js';
import { sum } from '../../../ops/array/reduce.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** The mean of `x` where `weights` of the same shape is 1, one element; 0 where none is. */
export function meanWhere(x: Tensor, weights: Tensor): Tensor {
  return x.runtime.scope(() => div(sum(mul(x, weights)), maximum(sum(weights), 1)));
}
