import { transpose } from '../../../ops/array/permute.js';
import { mean } from '../../../ops/array/reduce.js';
import { topK } from '../../../ops/array/topk.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** How many of T snippets a ratio selects: ⌊T / ratio⌋, at least 1. */
export function snippetCount(steps: number, ratio: number): number {
  return Math.max(1, Math.floor(steps / ratio));
}

/** The mean of the k largest of each class over time: (B, T, K) to (B, K). */
export function topMean(x: Tensor, k: number): Tensor {
  return x.runtime.scope(() => mean(topK(transpose(x, 1, 2), k).values, { axes: 2 }));
}
