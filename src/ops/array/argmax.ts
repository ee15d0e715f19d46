import argmaxMergeKernel from '../../../kernels/array/argmax_merge.wgsl.js';
import argmaxPlainKernel from '../../../kernels/array/argmax_plain.wgsl.js';
import argmaxSplitKernel from '../../../kernels/array/argmax_split.wgsl.js';
import type { Dtype } from '../../tensor/dtype.js';
import { axisOf, type Shape } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

interface ArgmaxProblem {
  readonly shape: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: Dtype;
}

/** Invocations that share a row in the split variant. */
const lanes = 256;

export const argmaxOperation = defineOperation<
  { x: Tensor },
  Record<never, never>,
  ArgmaxProblem,
  { output: Tensor }
>({
  name: 'argmax',
  operands: { x: 'required' },
  options: {},
  problem({ x }) {
    expectDtype(x, 'x', 'f32', 'f16');
    axisOf(-1, x.rank);
    const columns = x.shape.at(-1)!;
    return { shape: x.shape.slice(0, -1), rows: x.size / columns, columns, dtype: x.dtype };
  },
  outputs: ({ shape }) => ({ output: { shape, dtype: 'u32' } }),
  variants: [
    {
      name: 'split',
      suits: (_, { columns }) => columns >= lanes,
      prefers: ({ deviceClass }, { rows, columns }) =>
        columns >= 2048 && (rows < 32 || (deviceClass === 'hardware' && rows < 65_536)),
      run(runtime, { x }, { output }, { rows, columns, dtype }) {
        const partials = runtime.empty([rows, lanes, 2], 'u32');
        runtime.launch({
          kernel: argmaxSplitKernel,
          constants: { Element: dtype },
          buffers: { x, partials },
          params: { rows, columns, lanes },
          workgroups: spread(rows * lanes),
        });
        runtime.launch({
          kernel: argmaxMergeKernel,
          buffers: { partials, out: output },
          params: { rows, lanes },
          workgroups: spread(rows),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { rows, columns, dtype }) {
        runtime.launch({
          kernel: argmaxPlainKernel,
          constants: { Element: dtype },
          buffers: { x, out: output },
          params: { rows, columns },
          workgroups: spread(rows),
        });
      },
    },
  ],
  flops: ({ rows, columns }) => rows * columns,
  reduction: () => 1,
});

/**
 * Index of the largest element over the last axis of `x` (…, C), f32 or f16: u32 (…). The lowest index where
 * several are equal; NaN counts as less than everything.
 */
export function argmax(x: Tensor): Tensor {
  return argmaxOperation.run({ x }, {}).output;
}
