import { stopGradient } from '../../../autograd/value-and-grad.js';
import { arange } from '../../../ops/array/arange.js';
import { mul, notEqual } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { abs } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * How far from orthogonal vectors are (CG-DETR): the mean |cosine| of all N × N pairs, those of a vector with itself as 0; no gradient
 * goes through the second of a pair. One element.
 * @param vectors (…, N, d)
 */
export function orthogonality(vectors: Tensor): Tensor {
  const { runtime } = vectors;
  const count = vectors.shape.at(-2)!;
  return runtime.scope(() => {
    const directions = l2Normalize(vectors);
    const cosines = matmul({ a: directions, b: stopGradient(directions) }, { transposeB: true });
    const index = arange(runtime, { end: count });
    return mean(mul(abs(cosines), notEqual(index.reshape([count, 1]), index)));
  });
}
