import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** The cosines of all pairs of vectors (B, N, d): (B, N, N). */
export function cosines(x: Tensor): Tensor {
  return x.runtime.scope(() => {
    const directions = l2Normalize(x);
    return matmul({ a: directions, b: directions }, { transposeB: true });
  });
}
