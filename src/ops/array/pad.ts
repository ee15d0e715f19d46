import padKernel from '../../../kernels/array/pad.wgsl.js';
import { anyNumber, integer, listOf, optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import { type Dtype, halfBits } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { elementUnit, numberBits, type Unit, unitsEach, widestUnit } from './elements.js';
import { maxAxes } from './strides.js';

export interface PadOptions {
  /** Elements added at the start and at the end of each axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** The elements added; default 0. */
  readonly value?: number | undefined;
}

/** An axis of the loop nest: several axes of the tensor where only the outermost of them is padded. */
interface PaddedAxis {
  readonly before: number;
  readonly size: number;
  readonly padded: number;
}

interface PadProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly value: number;
  /** Outermost first. */
  readonly axes: readonly PaddedAxis[];
}

export const padOperation = defineOperation<{ x: Tensor }, PadOptions, PadProblem, { output: Tensor }>({
  name: 'pad',
  operands: { x: 'required' },
  options: { before: listOf(integer(0)), after: listOf(integer(0)), value: optional(anyNumber) },
  problem({ x }, { before, after, value = 0 }) {
    for (const [name, list] of Object.entries({ before, after })) {
      if (list.length !== x.rank) {
        throw new OptionError(`${name} must have a number for each axis of x ${x}, not [${list}]`);
      }
    }
    const shape = x.shape.map((size, axis) => size + before[axis]! + after[axis]!);
    return { shape, dtype: x.dtype, value, axes: mergedAxes(x.shape, shape, before) };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'units',
      suits: (_, problem) => unitOf(problem).elements > 1,
      run: (runtime, { x }, { output }, problem) =>
        launch(x, output, problem, unitOf(problem), unitsEach(runtime.traits)),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, { x }, { output }, problem) => launch(x, output, problem, elementUnit(problem.dtype), 1),
    },
  ],
  flops: () => 0,
  reduction: () => 1,
});

/** The axes as few as possible: one that is not padded belongs to the axis before it. */
function mergedAxes(shape: Shape, padded: Shape, before: readonly number[]): PaddedAxis[] {
  const axes: PaddedAxis[] = [{ before: 0, size: 1, padded: 1 }];
  shape.forEach((size, k) => {
    const last = axes.at(-1)!;
    if (padded[k] === size) {
      axes[axes.length - 1] = {
        before: last.before * size,
        size: last.size * size,
        padded: last.padded * size,
      };
    } else axes.push({ before: before[k]!, size, padded: padded[k]! });
  });
  if (axes[0]!.padded === 1 && axes.length > 1) axes.shift();
  if (axes.length > maxAxes) throw new OptionError(`pad takes ${maxAxes} padded axes at most`);
  return axes;
}

function unitOf({ dtype, axes }: PadProblem): Unit {
  const { before, size, padded } = axes.at(-1)!;
  return widestUnit(dtype, [before, size, padded]);
}

function launch(x: Tensor, out: Tensor, problem: PadProblem, { type, elements }: Unit, items: number): void {
  const { dtype, value } = problem;
  // Innermost first, as the kernel counts, and the innermost in units.
  const axes = [...problem.axes].reverse();
  const [inner] = axes;
  axes[0] = {
    before: inner!.before / elements,
    size: inner!.size / elements,
    padded: inner!.padded / elements,
  };
  const last = axes.length - 1;
  const params: Record<string, number> = {};
  for (let k = 0; k < maxAxes; k++) {
    // The outermost axis is the kernel's axis 5, whatever their number.
    const axis = k === maxAxes - 1 ? axes[last]! : k < last ? axes[k]! : { before: 0, size: 1, padded: 1 };
    params[`before${k}`] = axis.before;
    params[`x${k}`] = axis.size;
    if (k < maxAxes - 1) params[`size${k}`] = axis.padded;
  }
  const packedHalves = dtype === 'f16' && type !== 'f16';
  const count = out.size / elements;
  x.runtime.launch({
    kernel: padKernel,
    constants: {
      Unit: type,
      Number: type === 'f16' ? 'f32' : 'u32',
      ITEMS: items,
      AXES: axes.length,
    },
    buffers: { x, out },
    params: {
      count,
      value: packedHalves ? halfBits(value) * 0x1_0001 : numberBits(value, dtype),
      ...params,
    },
    workgroups: spread(count, workgroupSize * items),
  });
}

/** `x` with a constant around it. Any type. @throws OptionError */
export function pad(x: Tensor, options: PadOptions): Tensor {
  return padOperation.run({ x }, options).output;
}
