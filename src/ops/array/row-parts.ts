import type { Tensor } from '../../tensor/tensor.js';
import { rowWindows } from '../../tensor/windows.js';
import { concat } from './concat.js';
import { narrow } from './slice.js';

/** The part of another operand that goes with some rows of the weights, along its axis (default 0). */
export type PartOf = <T extends Tensor | undefined>(operand: T, axis?: number) => T;

/** Some rows of weights, and what goes with them. */
export interface RowPart {
  readonly rows: Tensor;
  readonly begin: number;
  readonly end: number;
  readonly partOf: PartOf;
}

/**
 * Weights in parts of their rows (the first axis) that the device can bind, or of at most `limit` bytes; whole where they
 * are within that. Dispose the views, or make them in a scope.
 */
export function rowParts(weight: Tensor, limit?: number): RowPart[] {
  const windows = rowWindows(weight, limit);
  return windows.map(({ view: rows, begin, end }) => ({
    rows,
    begin,
    end,
    partOf: <T extends Tensor | undefined>(operand: T, axis = 0): T => {
      if (!operand || windows.length === 1) return operand;
      // What is as large as the weights must be viewed; what is small may have no view from that row on.
      const viewable = axis === 0 && begin % operand.rowAlignment === 0;
      return (viewable ? operand.rows(begin, end) : narrow(operand, axis, begin, end - begin)) as T;
    },
  }));
}

/**
 * Computes what weights give whose rows (the first axis) are the entries of one axis of the output: at once where the
 * device can bind the weights whole, in parts that are joined along that axis where it cannot.
 */
export function inRowParts(
  weight: Tensor,
  axis: number,
  compute: (rows: Tensor, partOf: PartOf) => Tensor,
): Tensor {
  return weight.runtime.scope(() => {
    const parts = rowParts(weight).map(({ rows, partOf }) => compute(rows, partOf));
    return parts.length === 1 ? parts[0]! : concat(parts, axis);
  });
}
