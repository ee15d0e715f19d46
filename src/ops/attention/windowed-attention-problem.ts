import { integer, optional, type Rule, type Rules, rule } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';

/** What windowed attention and its gradient share: operands, the window, and how the kernels take them. */

export interface WindowedAttentionOptions {
  /** Steps that a query attends: odd, at most 31, its own step in the middle. */
  readonly taps: number;
  /** Steps from one tap to the next; default 1. */
  readonly dilation?: number;
}

export interface WindowedAttentionOperands {
  /** (B, D, T), f32 or f16. */
  readonly query: Tensor;
  /** As `query`. */
  readonly key: Tensor;
  /** As `query`. */
  readonly value: Tensor;
}

export interface WindowedAttentionProblem {
  readonly batches: number;
  readonly channels: number;
  readonly length: number;
  readonly taps: number;
  readonly dilation: number;
  readonly dtype: Dtype;
}

const tapsRule: Rule<number> = rule(
  'an odd integer from 1 to 31',
  (value) => integer(1, 31).accepts(value) && value % 2 === 1,
);

export const windowedAttentionRules: Rules<WindowedAttentionOptions> = {
  taps: tapsRule,
  // Steps of the farthest tap stay far below 2^32.
  dilation: optional(integer(1, 2 ** 20)),
};

/** @throws ShapeError, DtypeError */
export function windowedAttentionProblem(
  { query, key, value }: WindowedAttentionOperands,
  { taps, dilation = 1 }: WindowedAttentionOptions,
): WindowedAttentionProblem {
  expectDtype(query, 'query', 'f32', 'f16');
  if (query.rank !== 3) throw new ShapeError(`query must be (B, D, T), not ${query}`);
  for (const [name, tensor] of Object.entries({ key, value })) {
    expectDtype(tensor, name, query.dtype);
    expectShape(tensor, name, query.shape);
  }
  const [batches, channels, length] = query.shape as [number, number, number];
  return { batches, channels, length, taps, dilation, dtype: query.dtype };
}

export function windowConstants({ taps, dtype }: WindowedAttentionProblem) {
  return { TAPS: taps, Element: dtype };
}

export function windowParams({ batches, channels, length, dilation }: WindowedAttentionProblem) {
  return { batches, channels, length, dilation, scale: 1 / Math.sqrt(channels) };
}
