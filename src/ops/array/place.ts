import placeKernel from '../../../kernels/array/place.wgsl.js';
import { optional } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { type Shape, shapeText, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { within } from '../call.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { integers } from '../rules.js';
import { elementUnit, type Unit, widestUnit } from './elements.js';
import { fillInto } from './fill.js';
import { pad } from './pad.js';
import { coalesce, stridesOf, type Walk, walkParams } from './strides.js';

export interface PlaceOptions {
  readonly shape: Shape;
  /** Index of the first element along each axis. */
  readonly starts: readonly number[];
  /** From one index to the next, along each axis; negative to go backwards. Default 1. */
  readonly steps?: readonly number[] | undefined;
}

interface PlaceProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly starts: readonly number[];
  readonly sizes: Shape;
  readonly steps: readonly number[];
  readonly offset: number;
  readonly walk: Walk;
}

export const placeOperation = defineOperation<{ x: Tensor }, PlaceOptions, PlaceProblem, { output: Tensor }>({
  name: 'place',
  operands: { x: 'required' },
  options: { shape: integers, starts: integers, steps: optional(integers) },
  problem: ({ x }, options) => placeProblem(x, options),
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(_, { x }, { output }, problem) {
        fillInto(output, 0);
        launch(x, output, problem, elementUnit(problem.dtype));
      },
    },
  ],
  flops: () => 0,
  reduction: () => 1,
});

function placeProblem(x: Tensor, { shape, starts, steps = shape.map(() => 1) }: PlaceOptions): PlaceProblem {
  const inside = shape.every((size, axis) => {
    const [start, step] = [starts[axis]!, steps[axis]!];
    const end = start + (x.shape[axis]! - 1) * step;
    return Number.isInteger(end) && step !== 0 && start >= 0 && start < size && end >= 0 && end < size;
  });
  if (!inside || [starts, steps, x.shape].some((list) => list.length !== shape.length)) {
    throw new ShapeError(
      `${x} with starts [${starts}] and steps [${steps}] is not within the shape ${shapeText(shape)}`,
    );
  }
  const strides = stridesOf(shape);
  return {
    shape,
    dtype: x.dtype,
    starts,
    sizes: x.shape,
    steps,
    offset: starts.reduce((sum, start, axis) => sum + start * strides[axis]!, 0),
    walk: coalesce(x.shape, [strides.map((stride, axis) => stride * steps[axis]!)]),
  };
}

/** Writes the elements of `x`, `unit` by `unit`; the walk's innermost axis is dense where a unit has several. */
function launch(x: Tensor, out: Tensor, { offset, walk }: PlaceProblem, { type, elements }: Unit): void {
  const inner = walk.sizes.length - 1;
  const sizes = walk.sizes.map((size, axis) => (axis === inner ? size / elements : size));
  const strides = walk.strides[0]!.map((stride, axis) => (axis === inner ? stride : stride / elements));
  const count = x.size / elements;
  x.runtime.launch({
    kernel: placeKernel,
    constants: { Unit: type, AXES: sizes.length },
    buffers: { x, out },
    params: { count, offset: offset / elements, ...walkParams({ sizes, strides: [strides] }, 'out') },
    workgroups: spread(count),
  });
}

/** Zeros of a shape with `x` at the places that a slice names: what `slice` undoes. Any type. @throws ShapeError */
export function place(x: Tensor, options: PlaceOptions): Tensor {
  const { shape, starts, steps } = placeOperation.problem({ x }, options);
  if (steps.some((step) => step !== 1)) return placeOperation.run({ x }, { shape, starts, steps }).output;
  const after = shape.map((size, axis) => size - starts[axis]! - x.shape[axis]!);
  return sizeOf(shape) === x.size ? x.reshape(shape) : pad(x, { before: starts, after });
}

/**
 * Replaces a part of `target` by `x`, of the same type, in place: from the indices `starts` on.
 * @throws DtypeError, ShapeError
 */
export function writePart(target: Tensor, x: Tensor, starts: readonly number[]): void {
  expectDtype(x, 'writePart: x', target.dtype);
  const problem = within('writePart', () => placeProblem(x, { shape: target.shape, starts }));
  const { dtype, offset, walk } = problem;
  const own = walk.strides[0]!;
  const dense = own.at(-1) === 1;
  const unit = dense
    ? widestUnit(dtype, [walk.sizes.at(-1)!, offset, ...own.slice(0, -1)])
    : elementUnit(dtype);
  launch(x, target, problem, unit);
}
