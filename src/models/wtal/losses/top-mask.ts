import { stopGradient } from '../../../autograd/value-and-grad.js';
import { fill } from '../../../ops/array/fill.js';
import { transpose } from '../../../ops/array/permute.js';
import { scatter } from '../../../ops/array/scatter.js';
import { topK } from '../../../ops/array/topk.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** 1 for the k snippets of each class with the largest scores, else 0: (B, T, K) to (B, T, K), without gradient. */
export function topMask(scores: Tensor, k: number): Tensor {
  const { runtime } = scores;
  return runtime.scope(() => {
    const ofClasses = transpose(stopGradient(scores), 1, 2);
    const { indices } = topK(ofClasses, k);
    const x = fill(runtime, ofClasses.shape, 0);
    return transpose(
      scatter({ x, ids: indices, updates: fill(runtime, indices.shape, 1) }, { axis: 2 }),
      1,
      2,
    );
  });
}
