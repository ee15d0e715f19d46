import type { Dtype } from '../tensor/dtype.js';
import type { Shape } from '../tensor/shape.js';
import { axisOf } from '../tensor/shape.js';
import { expectDtype, type Tensor } from '../tensor/tensor.js';
import { spread } from './grid.js';
import { defineOperation } from './op.js';

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

export const softmaxOperation = defineOperation<
  { x: Tensor },
  SoftmaxOptions,
  SoftmaxProblem,
  { output: Tensor }
>({
  name: 'softmax',
  problem({ x }, { log = false }) {
    expectDtype(x, 'x', 'f32', 'f16');
    axisOf(-1, x.rank);
    const columns = x.shape.at(-1)!;
    return { shape: x.shape, rows: x.size / columns, columns, log, dtype: x.dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: 'reduce/softmax_plain',
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
  return softmaxOperation.run({ x }, { log: true }).output;
}
