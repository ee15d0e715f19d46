import type { Shape } from '../../src/tensor/shape.js';

/** The error that rounding a matrix to so many bits in groups of 64 makes on average, over the matrix's own size. */
export function roundingError(
  { shape, data }: { readonly shape: Shape; readonly data: Float32Array },
  bits: 4 | 8,
): number {
  const columns = shape[1]!;
  let steps = 0;
  for (let start = 0; start < data.length; start += columns) {
    for (let first = 0; first < columns; first += 64) {
      const group = data.subarray(start + first, start + Math.min(first + 64, columns));
      const step = group.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / (2 ** (bits - 1) - 1);
      steps += group.length * step ** 2;
    }
  }
  // Rounding to a step is off by step / √12 on average.
  return Math.sqrt(steps / 12 / data.reduce((sum, x) => sum + x * x, 0));
}
