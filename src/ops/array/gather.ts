import gatherKernel from '../../../kernels/array/gather.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { dtypeBytes } from '../../tensor/dtype.js';
import { axisOf, type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { rowWindows } from '../../tensor/windows.js';
import { checkOperands } from '../call.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { type AxisOptions, axisRules } from '../rules.js';
import { type AxisIds, axisIds, idParams, spreadIds, withSize } from './axis-ids.js';
import { add, sub } from './binary.js';
import { elementUnit, type Unit, unitsEach, widestUnit } from './elements.js';

export interface GatherOperands {
  readonly x: Tensor;
  readonly ids: Tensor;
}

interface GatherProblem extends AxisIds {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

export const gatherOperation = defineOperation<
  GatherOperands,
  AxisOptions,
  GatherProblem,
  { output: Tensor }
>({
  name: 'gather',
  operands: { x: 'required', ids: 'required' },
  options: axisRules,
  problem({ x, ids }, { axis }) {
    const addressed = axisIds(x.shape, axis, ids);
    return { ...addressed, shape: withSize(x.shape, axis, addressed.entries), dtype: x.dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'units',
      suits: (_, problem) => unitOf(problem).elements > 1,
      run: (runtime, operands, { output }, problem) =>
        launch(operands, output, problem, unitOf(problem), unitsEach(runtime.traits)),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, operands, { output }, problem) =>
        launch(operands, output, problem, elementUnit(problem.dtype), 1),
    },
  ],
  flops: () => 0,
  reduction: () => 1,
  bytes: ({ shape, dtype, entries }) => 2 * sizeOf(shape) * dtypeBytes[dtype] + 4 * entries,
});

function unitOf({ dtype, inner, idStrides }: GatherProblem): Unit {
  return idStrides[2] === 0 ? widestUnit(dtype, [inner]) : elementUnit(dtype);
}

function launch(
  { x, ids }: GatherOperands,
  out: Tensor,
  problem: GatherProblem,
  { type, elements }: Unit,
  items: number,
): void {
  const count = out.size / elements;
  x.runtime.launch({
    kernel: gatherKernel,
    constants: { Unit: type, ITEMS: items },
    buffers: { x, ids, out },
    params: { count, ...idParams(problem, elements) },
    workgroups: spread(count, workgroupSize * items),
  });
}

/**
 * Entries of one axis: out[…, k, …] = x[…, ids[…, k, …], …] (NumPy's take_along_axis, PyTorch's gather). `x` has any
 * type; `ids` is u32 with as many axes as `x`, each of the same size or 1 except `axis`, which may have any. An id
 * outside the axis gives zeros. @throws ShapeError, DtypeError
 */
export function gather(operands: GatherOperands, options: AxisOptions): Tensor {
  gatherOperation.check(operands, options);
  const { x, ids } = operands;
  return x.runtime.scope(
    () => gatherOperation.run({ x, ids: spreadIds('gather', x.shape, options.axis, ids) }, options).output,
  );
}

/**
 * Whole slices of one axis (NumPy's take): `axis` of `x` gives way to the axes of `ids`, u32 of any shape. An id
 * outside the axis gives zeros. @throws ShapeError, DtypeError
 */
export function take(operands: GatherOperands, options: AxisOptions): Tensor {
  gatherOperation.check(operands, options, { as: 'take' });
  const { x, ids } = operands;
  const { axis } = options;
  const along = axisOf(axis, x.rank, 'take');
  const flat = x.shape.map((_, k) => (k === along ? ids.size : 1));
  const shape = [...x.shape.slice(0, along), ...ids.shape, ...x.shape.slice(along + 1)];
  return x.runtime.scope(() => gather({ x, ids: ids.reshape(flat) }, { axis }).reshape(shape));
}

/**
 * Rows of a table by their ids: `table` (V, D) of any type and `ids` (…) u32 give (…, D). An id of V or more gives
 * zeros. The table may be larger than a binding of the device. @throws ShapeError, DtypeError
 */
export function embedding(operands: { readonly table: Tensor; readonly ids: Tensor }): Tensor {
  checkOperands('embedding', operands, { table: 'required', ids: 'required' });
  const { table, ids } = operands;
  if (table.rank !== 2) throw new ShapeError(`embedding: table must be (V, D), not ${table}`);
  expectDtype(ids, 'embedding: ids', 'u32');
  return table.runtime.scope(() =>
    // Ids of other windows are none here, those below by wrapping around, and give zeros.
    rowWindows(table)
      .map(({ view, begin }) => take({ x: view, ids: begin === 0 ? ids : sub(ids, begin) }, { axis: 0 }))
      .reduce(add),
  );
}
