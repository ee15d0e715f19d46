import { permute } from '../ops/array/permute.js';
import type { Tensor } from '../tensor/tensor.js';

/** Heads side by side, (B, L, heads · size), to what attention takes, (B, heads, L, size). */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length] = x.shape as [number, number, number];
  return permute(x.reshape([batch, length, heads, -1]), [0, 2, 1, 3]);
}

/** What attention gives, (B, heads, L, size), to heads side by side, (B, L, heads · size). */
export function joinHeads(x: Tensor): Tensor {
  const [batch, , length] = x.shape as [number, number, number, number];
  return permute(x, [0, 2, 1, 3]).reshape([batch, length, -1]);
}
