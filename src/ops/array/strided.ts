import stridedKernel from '../../../kernels/array/strided.wgsl.js';
import type { Rules } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import { dtypeBytes } from '../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation, type Operation, type Variant } from '../op.js';
import { elementUnit, type Unit, unitsEach, widestUnit } from './elements.js';
import { coalesce, type Walk, walkParams } from './strides.js';

/** Elements of a dense tensor, reached by an offset and a stride along each axis of `shape`. */
export interface View {
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Sizes of an operation that makes a view dense. */
export interface StridedProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly walk: Walk;
}

/** The unit that the view can be copied by: more than an element only where its innermost axis runs along memory. */
function unitOf({ dtype, offset, walk: { sizes, strides } }: StridedProblem): Unit {
  const own = strides[0]!;
  if (own.at(-1) !== 1) return elementUnit(dtype);
  return widestUnit(dtype, [sizes.at(-1)!, offset, ...own.slice(0, -1)]);
}

function copyByUnits(x: Tensor, out: Tensor, problem: StridedProblem, unit: Unit, items: number): void {
  const { walk, offset } = problem;
  const { elements } = unit;
  const inner = walk.sizes.length - 1;
  const sizes = walk.sizes.map((size, axis) => (axis === inner ? size / elements : size));
  const strides = walk.strides[0]!.map((stride, axis) => (axis === inner ? stride : stride / elements));
  const count = out.size / elements;
  x.runtime.launch({
    kernel: stridedKernel,
    constants: { Unit: unit.type, ITEMS: items, AXES: sizes.length },
    buffers: { x, out },
    params: { count, offset: offset / elements, ...walkParams({ sizes, strides: [strides] }, 'x') },
    workgroups: spread(count, workgroupSize * items),
  });
}

/** Copies `x` into `out`, of the same size and type, on the device. */
export function copyInto(x: Tensor, out: Tensor): void {
  const problem = { shape: [x.size], dtype: x.dtype, offset: 0, walk: { sizes: [x.size], strides: [[1]] } };
  copyByUnits(x, out, problem, unitOf(problem), unitsEach(x.runtime.traits));
}

/** An operation that makes a view of `x` dense. Any type; the bits are moved as they are. */
export function stridedOperation<Options>(
  name: string,
  rules: Rules<Options>,
  view: (x: Tensor, options: Options) => View,
  specialVariants: readonly Variant<{ x: Tensor }, StridedProblem, { output: Tensor }>[] = [],
): Operation<{ x: Tensor }, Options, StridedProblem, { output: Tensor }> {
  return defineOperation<{ x: Tensor }, Options, StridedProblem, { output: Tensor }>({
    name,
    operands: { x: 'required' },
    options: rules,
    problem({ x }, options) {
      const { shape, offset, strides } = view(x, options);
      return { shape, dtype: x.dtype, offset, walk: coalesce(shape, [strides]) };
    },
    outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
    variants: [
      {
        name: 'units',
        suits: (_, problem) => unitOf(problem).elements > 1,
        run: (runtime, { x }, { output }, problem) =>
          copyByUnits(x, output, problem, unitOf(problem), unitsEach(runtime.traits)),
      },
      ...specialVariants,
      {
        name: 'plain',
        suits: () => true,
        run: (_, { x }, { output }, problem) =>
          copyByUnits(x, output, problem, elementUnit(problem.dtype), 1),
      },
    ],
    flops: () => 0,
    reduction: () => 1,
    bytes: ({ shape, dtype }) => 2 * sizeOf(shape) * dtypeBytes[dtype],
  });
}
