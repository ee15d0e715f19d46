import scatterAddChainsKernel from '../../../kernels/array/scatter_add_chains.wgsl.js';
import scatterAddPlainKernel from '../../../kernels/array/scatter_add_plain.wgsl.js';
import scatterLinksKernel from '../../../kernels/array/scatter_links.wgsl.js';
import { integer, optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { type AxisOptions, axisRules } from '../rules.js';
import { type AxisIds, axisIds, idParams, spreadIds, withSize } from './axis-ids.js';
import { arithmeticType } from './elements.js';
import { fillInto } from './fill.js';
import { copyInto } from './strided.js';

export interface ScatterAddOptions extends AxisOptions {
  /** Size of the axis where there is no `x`. */
  readonly size?: number | undefined;
}

interface ScatterAddOperands {
  readonly x?: Tensor | undefined;
  readonly ids: Tensor;
  readonly updates: Tensor;
}

interface ScatterAddProblem extends AxisIds {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** What ends a chain in kernels/array/scatter_add_chains.wgsl. */
const end = 0xffff_ffff;

export const scatterAddOperation = defineOperation<
  ScatterAddOperands,
  ScatterAddOptions,
  ScatterAddProblem,
  { output: Tensor }
>({
  name: 'scatterAdd',
  operands: { x: 'optional', ids: 'required', updates: 'required' },
  options: { ...axisRules, size: optional(integer(1)) },
  problem({ x, ids, updates }, { axis, size }) {
    if ((x === undefined) === (size === undefined)) {
      throw new OptionError('either x or size, that of its axis, must be given');
    }
    const shape = x?.shape ?? withSize(updates.shape, axis, size!);
    const addressed = axisIds(shape, axis, ids);
    if (x) expectDtype(x, 'x', updates.dtype);
    expectShape(updates, 'updates', withSize(shape, axis, addressed.entries));
    return { ...addressed, shape, dtype: updates.dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'chains',
      suits: () => true,
      // Three launches more than `plain`.
      prefers: (_, { entries }) => entries > 32,
      run(runtime, { x, ids, updates }, { output }, problem) {
        const { entries, dtype, idStrides } = problem;
        if (x) copyInto(x, output);
        else fillInto(output, 0);
        const next = runtime.empty(ids.shape, 'u32');
        fillInto(next, end);
        const heads = runtime.empty(ids.shape, 'u32');
        runtime.launch({
          kernel: scatterLinksKernel,
          buffers: { ids, next, heads },
          params: { count: ids.size, entries, id_inner: idStrides[1] },
          workgroups: spread(ids.size),
        });
        runtime.launch({
          kernel: scatterAddChainsKernel,
          constants: { Element: dtype, Number: arithmeticType(dtype) },
          buffers: { ids, next, heads, updates, out: output },
          params: { count: updates.size, ...idParams(problem) },
          workgroups: spread(updates.size),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x, ids, updates }, { output }, problem) {
        const { dtype } = problem;
        runtime.launch({
          kernel: scatterAddPlainKernel,
          constants: { HAS_X: x !== undefined, Element: dtype, Number: arithmeticType(dtype) },
          buffers: { x, ids, updates, out: output },
          params: { count: output.size, ...idParams(problem) },
          workgroups: spread(output.size),
        });
      },
    },
  ],
  flops: ({ outer, entries, inner }) => outer * entries * inner,
  reduction: ({ entries }) => entries + 1,
});

/**
 * `x` with updates added to the entries of one axis: out[…, ids[…, k, …], …] += updates[…, k, …], for each element in
 * the order of k, so that equal operands give equal bits. Shapes and ids as for `scatter`; without `x`, which then
 * counts as zeros, `size` is the size of the axis. The gradient of `gather` and `embedding`.
 *
 * Costs the updates once, and for each column of ids at most entries² / 2 comparisons, less where ids repeat.
 * @throws ShapeError, DtypeError, OptionError
 */
export function scatterAdd(
  operands: { readonly x?: Tensor | undefined; readonly ids: Tensor; readonly updates: Tensor },
  options: ScatterAddOptions,
): Tensor {
  scatterAddOperation.check(operands, options);
  const { x, ids, updates } = operands;
  return updates.runtime.scope(
    () =>
      scatterAddOperation.run(
        { x, ids: spreadIds('scatterAdd', updates.shape, options.axis, ids), updates },
        options,
      ).output,
  );
}
