import { ShapeError } from '../errors.js';
import { axisOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { place } from './place.js';
import { stridedOperation } from './strided.js';
import { stridesOf } from './strides.js';

export interface SliceOptions {
  /** First index along each axis. */
  readonly starts: readonly number[];
  /** Number of indices along each axis. */
  readonly sizes: readonly number[];
  /** From one index to the next, along each axis; negative to go backwards. Default 1. */
  readonly steps?: readonly number[] | undefined;
}

export const sliceOperation = stridedOperation<SliceOptions>(
  'slice',
  (x, { starts, sizes, steps = x.shape.map(() => 1) }) => {
    const inside = x.shape.every((size, axis) => {
      const [start, count, step] = [starts[axis]!, sizes[axis]!, steps[axis]!];
      const end = start + (count - 1) * step;
      const whole = [start, count, step].every(Number.isInteger);
      return whole && step !== 0 && count > 0 && start >= 0 && start < size && end >= 0 && end < size;
    });
    if (!inside || [starts, sizes, steps].some((list) => list.length !== x.rank)) {
      throw new ShapeError(
        `a slice of sizes [${sizes}] from [${starts}] by steps [${steps}] is not within ${x}`,
      );
    }
    const strides = stridesOf(x.shape);
    return {
      shape: sizes,
      offset: starts.reduce((sum, start, axis) => sum + start * strides[axis]!, 0),
      strides: strides.map((stride, axis) => stride * steps[axis]!),
    };
  },
  (gradient, shape, options) => place(gradient, { ...options, shape }),
);

/** The part of `x` that `options` names. @throws ShapeError where it reaches outside. */
export function slice(x: Tensor, options: SliceOptions): Tensor {
  return sliceOperation.run({ x }, options).output;
}

/** `size` indices of one axis from `start` on, `step` apart; the other axes whole. @throws ShapeError */
export function narrow(x: Tensor, axis: number, start: number, size: number, step = 1): Tensor {
  const along = axisOf(axis, x.rank);
  return slice(x, {
    starts: x.shape.map((_, k) => (k === along ? start : 0)),
    sizes: x.shape.map((whole, k) => (k === along ? size : whole)),
    steps: x.shape.map((_, k) => (k === along ? step : 1)),
  });
}

/** `x` cut along an axis into parts of these sizes. @throws ShapeError unless they add up to the axis. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const along = axisOf(axis, x.rank);
  if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[along]) {
    throw new ShapeError(`parts of [${sizes}] do not add up to axis ${axis} of ${x}`);
  }
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return narrow(x, along, start - size, size);
  });
}

/** `x` backwards along an axis. @throws ShapeError */
export function reverse(x: Tensor, axis: number): Tensor {
  const size = x.shape[axisOf(axis, x.rank)]!;
  return narrow(x, axis, size - 1, size, -1);
}
