import scatterKernel from '../../../kernels/array/scatter.wgsl.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { type AxisOptions, axisRules } from '../rules.js';
import { type AxisIds, axisIds, idParams, spreadIds, withSize } from './axis-ids.js';
import { elementUnit, type Unit, unitsEach, widestUnit } from './elements.js';
import { copyInto } from './strided.js';

interface ScatterOperands {
  readonly x: Tensor;
  readonly ids: Tensor;
  readonly updates: Tensor;
}

interface ScatterProblem extends AxisIds {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

export const scatterOperation = defineOperation<
  ScatterOperands,
  AxisOptions,
  ScatterProblem,
  { output: Tensor }
>({
  name: 'scatter',
  operands: { x: 'required', ids: 'required', updates: 'required' },
  options: axisRules,
  problem({ x, ids, updates }, { axis }) {
    const addressed = axisIds(x.shape, axis, ids);
    expectDtype(updates, 'updates', x.dtype);
    expectShape(updates, 'updates', withSize(x.shape, axis, addressed.entries));
    return { ...addressed, shape: x.shape, dtype: x.dtype };
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
});

function unitOf({ dtype, inner, idStrides }: ScatterProblem): Unit {
  return idStrides[2] === 0 ? widestUnit(dtype, [inner]) : elementUnit(dtype);
}

function launch(
  { x, ids, updates }: ScatterOperands,
  out: Tensor,
  problem: ScatterProblem,
  { type, elements }: Unit,
  items: number,
): void {
  copyInto(x, out);
  const count = updates.size / elements;
  x.runtime.launch({
    kernel: scatterKernel,
    constants: { Unit: type, ITEMS: items },
    buffers: { updates, ids, out },
    params: { count, ...idParams(problem, elements) },
    workgroups: spread(count, workgroupSize * items),
  });
}

/**
 * `x` with entries of one axis replaced: out[…, ids[…, k, …], …] = updates[…, k, …]. `x` has any type, `updates` the
 * same and the shape of `x` but along `axis`; `ids` is u32 with as many axes as `x`, each of the size of `updates`
 * or, but for `axis`, 1. An id outside the axis is skipped; where ids repeat, any one of their updates stays.
 * @throws ShapeError, DtypeError
 */
export function scatter(
  operands: { readonly x: Tensor; readonly ids: Tensor; readonly updates: Tensor },
  options: AxisOptions,
): Tensor {
  scatterOperation.check(operands, options);
  const { x, ids, updates } = operands;
  return x.runtime.scope(
    () =>
      scatterOperation.run({ x, ids: spreadIds('scatter', x.shape, options.axis, ids), updates }, options)
        .output,
  );
}
