import type { Tensor } from '../tensor/tensor.js';
import { rowWindows } from '../tensor/windows.js';
import { concat } from './concat.js';
import { narrow } from './slice.js';

/** The part of another operand that goes with some rows of the weights, along its axis (default 0). */
export type PartOf = <T extends Tensor | undefined>(operand: T, axis?: number) => T;

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
    const windows = rowWindows(weight);
    if (windows.length === 1) return compute(weight, (operand) => operand);
    const parts = windows.map(({ view, begin, end }) =>
      compute(view, <T extends Tensor | undefined>(operand: T, along = 0): T => {
        if (!operand) return operand;
        // What is as large as the weights must be viewed; what is small may have no view from that row on.
        const viewable = along === 0 && begin % operand.rowAlignment === 0;
        return (viewable ? operand.rows(begin, end) : narrow(operand, along, begin, end - begin)) as T;
      }),
    );
    return concat(parts, axis);
  });
}
