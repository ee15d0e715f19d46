import { FeatureError } from '../errors.js';
import type { Tensor } from './tensor.js';

/** Rows `begin` to `end` (excluded) of a tensor, as a view that one binding can hold. */
export interface RowWindow {
  readonly view: Tensor;
  readonly begin: number;
  readonly end: number;
}

/**
 * A tensor of weights as views of its rows (the first axis) that each fit one binding; itself where it fits whole.
 * Dispose the views, or make them in a scope.
 * @throws FeatureError where not even the fewest rows that a view can hold fit
 */
export function rowWindows(
  tensor: Tensor,
  limit: number = tensor.runtime.traits.limits.maxStorageBufferBindingSize,
): RowWindow[] {
  const [rows = 1] = tensor.shape;
  if (tensor.range.bytes <= limit) return [{ view: tensor, begin: 0, end: rows }];
  const alignment = tensor.rowAlignment;
  const most = Math.floor(limit / (tensor.bytes / rows) / alignment) * alignment;
  if (most === 0)
    throw new FeatureError(`${alignment} rows of ${tensor} are over the limit of ${limit} bytes`);
  const windows = Math.ceil(rows / most);
  const size = Math.ceil(rows / windows / alignment) * alignment;
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => {
    const [begin, end] = [i * size, Math.min(rows, (i + 1) * size)];
    return { view: tensor.rows(begin, end), begin, end };
  });
}
