import type { Tensor } from '../tensor/tensor.js';

/** Of what is worked on together a tensor has about so many numbers at most: enough of them for any GPU are fewer. */
const mostNumbers = 2 ** 24;

/** From multiples of so many numbers on any device can bind a tensor of f32. */
const alignment = 64;

/** How many of some rows of `width` numbers are worked on together, where at most `widest` numbers come of one. */
export function rowsAtOnce(rows: number, width: number, widest: number): number {
  const chunks = Math.ceil((rows * widest) / mostNumbers);
  // The largest power of two that divides a number is what it has in common with its negative.
  const multiple = alignment / Math.min(alignment, width & -width);
  return Math.min(rows, Math.ceil(rows / chunks / multiple) * multiple);
}

/**
 * What `forward` makes of the rows of f32 `x` (…, D), each of them by itself and to the same shape. Many rows are gone
 * through in chunks (N, D), so that what comes between takes little memory; but not under a tape, for which all of
 * that is kept.
 * @param widest numbers that come of a row on the way, in one tensor, at most
 */
export function inChunks(x: Tensor, widest: number, forward: (rows: Tensor) => Tensor): Tensor {
  const { runtime, shape } = x;
  const width = shape.at(-1)!;
  const count = x.size / width;
  const step = rowsAtOnce(count, width, widest);
  if (runtime.tape || step === count) return forward(x);
  return runtime.scope(() => {
    const rows = x.reshape([count, width]);
    const result = runtime.empty([count, width]);
    for (let begin = 0; begin < count; begin += step) {
      const end = Math.min(begin + step, count);
      runtime.scope(() => result.rows(begin, end).assign(forward(rows.rows(begin, end))));
    }
    return result.reshape(shape);
  });
}
