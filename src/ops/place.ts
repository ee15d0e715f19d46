import { ShapeError } from '../errors.js';
import type { Dtype } from '../tensor/dtype.js';
import { type Shape, shapeText, sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { elementUnit } from './elements.js';
import { fillInto } from './fill.js';
import { spread } from './grid.js';
import { defineOperation } from './op.js';
import { pad } from './pad.js';
import { slice } from './slice.js';
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
  problem({ x }, { shape, starts, steps = shape.map(() => 1) }) {
    const inside = shape.every((size, axis) => {
      const [start, step] = [starts[axis]!, steps[axis]!];
      const end = start + (x.shape[axis]! - 1) * step;
      return Number.isInteger(end) && step !== 0 && start >= 0 && start < size && end >= 0 && end < size;
    });
    if (!inside || [starts, steps, x.shape].some((list) => list.length !== shape.length)) {
      throw new ShapeError(`${x} from [${starts}] on by steps [${steps}] is not within ${shapeText(shape)}`);
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
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { dtype, offset, walk }) {
        fillInto(output, 0);
        runtime.launch({
          kernel: 'copy/place',
          constants: { Unit: elementUnit(dtype).type, AXES: walk.sizes.length },
          buffers: { x, out: output },
          params: { count: x.size, offset, ...walkParams(walk, 'out') },
          workgroups: spread(x.size),
        });
      },
    },
  ],
  flops: () => 0,
  reduction: () => 1,
  gradient: {
    rule: ({ problem: { starts, sizes, steps }, gradients: { output } }) => ({
      x: slice(output!, { starts, sizes, steps }),
    }),
  },
});

/** Zeros of a shape with `x` at the places that a slice names: what `slice` undoes. Any type. @throws ShapeError */
export function place(x: Tensor, { shape, starts, steps }: PlaceOptions): Tensor {
  if (steps?.some((step) => step !== 1)) return placeOperation.run({ x }, { shape, starts, steps }).output;
  const after = shape.map((size, axis) => size - starts[axis]! - x.shape[axis]!);
  return sizeOf(shape) === x.size ? x.reshape(shape) : pad(x, { before: starts, after });
}
