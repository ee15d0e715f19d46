import timeEmbeddingKernel from '../../../kernels/diffusion/time_embedding.wgsl.js';
import { integer, numberIn, optional } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { floatDtype } from '../../tensor/dtype.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

export interface TimeEmbeddingOptions {
  /** D: columns. At least 2. */
  readonly width: number;
  /** Longest period over 2π; default 10 000. */
  readonly maxPeriod?: number;
  readonly dtype?: 'f32' | 'f16';
}

interface TimeEmbeddingProblem {
  readonly batch: number;
  readonly width: number;
  readonly maxPeriod: number;
  readonly dtype: 'f32' | 'f16';
}

export const timeEmbeddingOperation = defineOperation<
  { t: Tensor },
  TimeEmbeddingOptions,
  TimeEmbeddingProblem,
  { output: Tensor }
>({
  name: 'timeEmbedding',
  operands: { t: 'required' },
  options: { width: integer(2), maxPeriod: optional(numberIn(1)), dtype: optional(floatDtype) },
  problem({ t }, { width, maxPeriod = 10_000, dtype = 'f32' }) {
    expectDtype(t, 't', 'u32');
    const [batch] = t.shape;
    if (t.rank !== 1 || batch === undefined) throw new ShapeError(`t must be (B), not ${t}`);
    return { batch, width, maxPeriod, dtype };
  },
  outputs: ({ batch, width, dtype }) => ({ output: { shape: [batch, width], dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { t }, { output }, { batch, width, maxPeriod, dtype }) {
        runtime.launch({
          kernel: timeEmbeddingKernel,
          constants: { Element: dtype },
          buffers: { t, out: output },
          params: { batch, columns: width, log2_period: Math.log2(maxPeriod) },
          workgroups: spread(batch * width),
        });
      },
    },
  ],
  flops: ({ batch, width }) => 10 * batch * width,
  reduction: () => 1,
});

/**
 * Sinusoidal embedding of diffusion times, cosines first (as MotionDiffuse):
 * [cos(t f_i), sin(t f_i)], f_i = maxPeriod^(−i / ⌊D/2⌋), and a last column of zeros where D is odd.
 *
 * @param t (B) u32; below about 10 000, since t f_i is rounded to f32
 * @returns (B, D)
 * @throws ShapeError, DtypeError, OptionError
 */
export function timeEmbedding(t: Tensor, options: TimeEmbeddingOptions): Tensor {
  return timeEmbeddingOperation.run({ t }, options).output;
}
