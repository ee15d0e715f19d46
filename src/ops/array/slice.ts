import { checkArgument, integer, listOf, optional } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { axisOf } from '../../tensor/shape.js';
import { checkTensor, type Tensor } from '../../tensor/tensor.js';
import { integers } from '../rules.js';
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
  { starts: integers, sizes: integers, steps: optional(integers) },
  (x, { starts, sizes, steps = x.shape.map(() => 1) }) => {
    const inside = x.shape.every((size, axis) => {
      const [start, count, step] = [starts[axis]!, sizes[axis]!, steps[axis]!];
      const end = start + (count - 1) * step;
      const whole = [start, count, step].every(Number.isInteger);
      return whole && step !== 0 && count > 0 && start >= 0 && start < size && end >= 0 && end < size;
    });
    if (!inside || [starts, sizes, steps].some((list) => list.length !== x.rank)) {
      throw new ShapeError(
        `a slice with starts [${starts}], sizes [${sizes}] and steps [${steps}] is not within ${x}`,
      );
    }
    const strides = stridesOf(x.shape);
    return {
      shape: sizes,
      offset: starts.reduce((sum, start, axis) => sum + start * strides[axis]!, 0),
      strides: strides.map((stride, axis) => stride * steps[axis]!),
    };
  },
);

/** The part of `x` that `options` names. @throws ShapeError where it reaches outside. */
export function slice(x: Tensor, options: SliceOptions): Tensor {
  return sliceOperation.run({ x }, options).output;
}

/** `size` indices of one axis from `start` on, `step` apart; the other axes whole. @throws ShapeError */
export function narrow(x: Tensor, axis: number, start: number, size: number, step = 1): Tensor {
  checkTensor('narrow', 'x', x);
  const along = axisOf(axis, x.rank, 'narrow');
  checkArgument('narrow', 'start', start, integer());
  checkArgument('narrow', 'size', size, integer());
  checkArgument('narrow', 'step', step, integer());
  const options = {
    starts: x.shape.map((_, k) => (k === along ? start : 0)),
    sizes: x.shape.map((whole, k) => (k === along ? size : whole)),
    steps: x.shape.map((_, k) => (k === along ? step : 1)),
  };
  return sliceOperation.run({ x }, options, { as: 'narrow' }).output;
}

/** `x` cut along an axis into parts of these sizes. @throws ShapeError unless they add up to the axis. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  checkTensor('split', 'x', x);
  checkArgument('split', 'sizes', sizes, listOf(integer(1)));
  const along = axisOf(axis, x.rank, 'split');
  if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[along]) {
    throw new ShapeError(`split: sizes [${sizes}] do not add up to axis ${axis} of x ${x}`);
  }
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return narrow(x, along, start - size, size);
  });
}

/** `x` backwards along an axis. @throws ShapeError */
export function reverse(x: Tensor, axis: number): Tensor {
  checkTensor('reverse', 'x', x);
  const size = x.shape[axisOf(axis, x.rank, 'reverse')]!;
  return narrow(x, axis, size - 1, size, -1);
}
