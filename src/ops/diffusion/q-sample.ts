import qSampleKernel from '../../../kernels/diffusion/q_sample.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Shape } from '../../tensor/shape.js';
import { sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

interface QSampleInputs {
  /** (B, …) f32 or f16. */
  x0: Tensor;
  /** As x0, standard normal. */
  noise: Tensor;
  /** (B) u32, in [0, T); later times count as T - 1. */
  t: Tensor;
  /** (T, 2) f32: the roots of alpha_bar and of 1 - alpha_bar at each time (`noiseRoots`). */
  roots: Tensor;
}

interface QSampleProblem {
  readonly shape: Shape;
  readonly times: number;
  readonly dtype: 'f32' | 'f16';
}

export const qSampleOperation = defineOperation<
  QSampleInputs,
  Record<never, never>,
  QSampleProblem,
  { output: Tensor }
>({
  name: 'qSample',
  operands: { x0: 'required', noise: 'required', t: 'required', roots: 'required' },
  options: {},
  problem({ x0, noise, t, roots }) {
    expectDtype(x0, 'x0', 'f32', 'f16');
    if (x0.rank === 0) throw new ShapeError(`x0 must be (B, …), not ${x0}`);
    expectDtype(noise, 'noise', x0.dtype);
    expectShape(noise, 'noise', x0.shape);
    expectDtype(t, 't', 'u32');
    expectShape(t, 't', [x0.shape[0]!]);
    expectDtype(roots, 'roots', 'f32');
    const times = roots.shape[0] ?? 1;
    expectShape(roots, 'roots', [times, 2]);
    return { shape: x0.shape, times, dtype: x0.dtype as 'f32' | 'f16' };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x0, noise, t, roots }, { output }, { shape, times, dtype }) {
        const size = sizeOf(shape);
        runtime.launch({
          kernel: qSampleKernel,
          constants: { Element: dtype },
          buffers: { x0, noise, t, roots, out: output },
          params: { size, inner: size / shape[0]!, times },
          workgroups: spread(size),
        });
      },
    },
  ],
  flops: ({ shape }) => 3 * sizeOf(shape),
  reduction: () => 2,
});

/**
 * The forward process of Gaussian diffusion, each sample of the batch at its own time (DDPM, eq. 4):
 * √ᾱ_t x0 + √(1 − ᾱ_t) noise.
 *
 * @param operands x0 (B, …) f32 or f16, noise of the same shape and type, t (B) u32 in [0, T), roots (T, 2)
 *   f32 (see `noiseRoots`)
 * @returns as x0
 * @throws ShapeError, DtypeError
 */
export function qSample(operands: { x0: Tensor; noise: Tensor; t: Tensor; roots: Tensor }): Tensor {
  return qSampleOperation.run(operands, {}).output;
}
