import { div, maximum, mul, sub } from '../../../ops/array/binary.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * The mean probability, over snippets and videos, of the classes that a video does not have (ours).
 * @param probabilities (B, T, C) of the classes without the background
 * @param labels (B, C)
 * @returns one element, 0 where every video has every class
 */
export function absentClasses(probabilities: Tensor, labels: Tensor): Tensor {
  return probabilities.runtime.scope(() => {
    const absent = sub(1, labels);
    return div(sum(mul(absent, mean(probabilities, { axes: 1 }))), maximum(sum(absent), 1));
  });
}
