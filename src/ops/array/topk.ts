import topkPlainKernel from '../../../kernels/array/topk_plain.wgsl.js';
import topkSelectKernel from '../../../kernels/array/topk_select.wgsl.js';
import { integer } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { axisOf, type Shape } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

export interface TopKOptions {
  /** How many elements of each row: 1 up to the size of the last axis. */
  readonly k: number;
}

interface TopKProblem {
  readonly shape: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly k: number;
  readonly dtype: Dtype;
}

export type TopKOutputs = { values: Tensor; indices: Tensor };

/** Parts that the split variant cuts a row into. */
const chunks = 16;

export const topKOperation = defineOperation<{ x: Tensor }, TopKOptions, TopKProblem, TopKOutputs>({
  name: 'topK',
  operands: { x: 'required' },
  options: { k: integer(1) },
  problem({ x }, { k }) {
    expectDtype(x, 'x', 'f32', 'f16');
    axisOf(-1, x.rank);
    const columns = x.shape.at(-1)!;
    if (k > columns) throw new OptionError(`k must be from 1 to ${columns} for x ${x}, not ${k}`);
    return { shape: [...x.shape.slice(0, -1), k], rows: x.size / columns, columns, k, dtype: x.dtype };
  },
  outputs: ({ shape, dtype }) => ({ values: { shape, dtype }, indices: { shape, dtype: 'u32' } }),
  variants: [
    {
      name: 'split',
      suits: (_, { columns, k }) => Math.floor(columns / chunks) >= k,
      meantFor: ['hardware'],
      // One workgroup a row leaves most of a GPU idle where there are few rows.
      prefers: (_, { rows, columns, k }) => rows < 64 && columns >= Math.max(8192, 4 * chunks * k),
      run(runtime, { x }, { values, indices }, { rows, k, dtype }) {
        const best = {
          values: runtime.empty([rows, chunks * k], dtype),
          indices: runtime.empty([rows, chunks * k], 'u32'),
        };
        select(runtime, x, undefined, best, rows, chunks, k);
        select(runtime, best.values, best.indices, { values, indices }, rows, 1, k);
      },
    },
    {
      name: 'select',
      suits: () => true,
      prefers: (_, { columns, k }) => columns * k > 32_768,
      run(runtime, { x }, outputs, { rows, k }) {
        select(runtime, x, undefined, outputs, rows, 1, k);
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { values, indices }, { rows, columns, k, dtype }) {
        runtime.launch({
          kernel: topkPlainKernel,
          constants: { Element: dtype },
          buffers: { x, values, indices },
          params: { rows, columns, k },
          workgroups: spread(rows),
        });
      },
    },
  ],
  flops: ({ rows, columns }) => rows * columns,
  reduction: () => 1,
});

/** Records radix selection on each chunk of each row; `columnsOf` gives the columns that `x` came from. */
function select(
  runtime: Runtime,
  x: Tensor,
  columnsOf: Tensor | undefined,
  { values, indices }: TopKOutputs,
  rows: number,
  chunks: number,
  k: number,
): void {
  runtime.launch({
    kernel: topkSelectKernel,
    constants: { Element: x.dtype, INDEXED: columnsOf !== undefined },
    buffers: {
      x,
      columns_of: columnsOf,
      winners: runtime.empty([rows * chunks, k, 2], 'u32'),
      values,
      indices,
    },
    params: { rows, columns: x.size / rows, chunks, k },
    workgroups: spread(rows * chunks, 1),
  });
}

/**
 * The `k` largest elements over the last axis of `x` (…, C), f32 or f16, in descending order: their values
 * (…, k), and their indices, u32 (…, k). Of equal elements the lower index comes first; NaN counts as less
 * than everything.
 * @throws OptionError unless 1 ≤ k ≤ C.
 */
export function topK(x: Tensor, k: number): TopKOutputs {
  return topKOperation.run({ x }, { k });
}
