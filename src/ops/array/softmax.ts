import softmaxJoinKernel from '../../../kernels/array/softmax_join.wgsl.js';
import softmaxPartsKernel from '../../../kernels/array/softmax_parts.wgsl.js';
import softmaxPlainKernel from '../../../kernels/array/softmax_plain.wgsl.js';
import softmaxSubgroupKernel from '../../../kernels/array/softmax_subgroup.wgsl.js';
import softmaxVectorKernel from '../../../kernels/array/softmax_vector.wgsl.js';
import softmaxWorkgroupKernel from '../../../kernels/array/softmax_workgroup.wgsl.js';
import { flag, optional } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { axisOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { smallWorkgroup, workgroupOver } from './rows.js';

interface SoftmaxProblem {
  readonly shape: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly log: boolean;
  readonly dtype: Dtype;
}

export interface SoftmaxOptions {
  /** Give the logarithm of the softmax instead. */
  readonly log?: boolean;
}

/** Columns of a row that `split` gives to one workgroup. */
const partLength = 2048;

export const softmaxOperation = defineOperation<
  { x: Tensor },
  SoftmaxOptions,
  SoftmaxProblem,
  { output: Tensor }
>({
  name: 'softmax',
  operands: { x: 'required' },
  options: { log: optional(flag) },
  problem({ x }, { log = false }) {
    expectDtype(x, 'x', 'f32', 'f16');
    axisOf(-1, x.rank);
    const columns = x.shape.at(-1)!;
    return { shape: x.shape, rows: x.size / columns, columns, log, dtype: x.dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'subgroup',
      suits: ({ subgroups }, { columns }) => subgroups && columns % 4 === 0,
      meantFor: ['software'],
      run(runtime, { x }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxSubgroupKernel,
          constants: { WORKGROUP: runtime.traits.subgroupMaxSize, Element: dtype, LOG: log },
          buffers: { x, out: output },
          params: { rows, columns: columns / 4 },
          workgroups: spread(rows, 1),
        });
      },
    },
    {
      name: 'vector',
      suits: (_, { columns }) => columns % 4 === 0,
      meantFor: ['software'],
      run(runtime, { x }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxVectorKernel,
          constants: { WORKGROUP: smallWorkgroup, Element: dtype, LOG: log },
          buffers: { x, out: output },
          params: { rows, columns: columns / 4 },
          workgroups: spread(rows, smallWorkgroup),
        });
      },
    },
    {
      name: 'split',
      suits: (_, { columns }) => columns > partLength,
      meantFor: ['hardware'],
      // With more rows there are workgroups enough without.
      prefers: (_, { rows }) => rows < 256,
      run(runtime, { x }, { output }, { rows, columns, log, dtype }) {
        const parts = Math.ceil(columns / partLength);
        const count = rows * parts;
        const statistics = runtime.empty([rows, parts, 2], 'f32');
        const params = { count, columns, length: partLength, parts };
        runtime.launch({
          kernel: softmaxPartsKernel,
          constants: { Element: dtype },
          buffers: { x, statistics },
          params,
          workgroups: spread(count, 1),
        });
        runtime.launch({
          kernel: softmaxJoinKernel,
          constants: { Element: dtype, LOG: log },
          buffers: { x, statistics, out: output },
          params,
          workgroups: spread(count, 1),
        });
      },
    },
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      prefers: (_, { columns }) => columns >= 32,
      run(runtime, { x }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxWorkgroupKernel,
          constants: { WORKGROUP: workgroupOver(columns), Element: dtype, LOG: log },
          buffers: { x, out: output },
          params: { rows, columns },
          workgroups: spread(rows, 1),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxPlainKernel,
          constants: { Element: dtype, LOG: log },
          buffers: { x, out: output },
          params: { rows, columns },
          workgroups: spread(rows),
        });
      },
    },
  ],
  flops: ({ rows, columns }) => 4 * rows * columns,
  reduction: ({ columns }) => columns,
});

/** Softmax over the last axis of `x` (…, C), f32 or f16. */
export function softmax(x: Tensor): Tensor {
  return softmaxOperation.run({ x }, {}).output;
}

/** Logarithm of the softmax over the last axis of `x` (…, C), f32 or f16. */
export function logSoftmax(x: Tensor): Tensor {
  return softmaxOperation.run({ x }, { log: true }, { as: 'logSoftmax' }).output;
}
