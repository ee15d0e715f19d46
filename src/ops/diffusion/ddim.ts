import ddimStepKernel from '../../../kernels/diffusion/ddim_step.wgsl.js';
import { anyNumber, optional, pairOf } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Shape } from '../../tensor/shape.js';
import { sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

interface DdimStepInputs {
  /** State at the step's time, f32 or f16. */
  x: Tensor;
  /** x0 as the network predicts it from x, as x. */
  predicted: Tensor;
  /** Standard normal, as x; none for a step without noise (η = 0). */
  noise?: Tensor | undefined;
  /** (S, 3) f32: coefficients of the predicted x0, of x and of the noise in each step (`ddimCoefficients`). */
  coefficients: Tensor;
  /** (1) u32: which step; later ones count as S - 1. */
  step: Tensor;
}

export interface DdimStepOptions {
  /** Bounds that the predicted x0 is clamped to first; none when absent. */
  readonly clamp?: readonly [low: number, high: number] | undefined;
}

interface DdimStepProblem {
  readonly shape: Shape;
  readonly steps: number;
  readonly noisy: boolean;
  readonly clamp: readonly [number, number] | undefined;
  readonly dtype: 'f32' | 'f16';
}

export const ddimStepOperation = defineOperation<
  DdimStepInputs,
  DdimStepOptions,
  DdimStepProblem,
  { output: Tensor }
>({
  name: 'ddimStep',
  operands: {
    x: 'required',
    predicted: 'required',
    noise: 'optional',
    coefficients: 'required',
    step: 'required',
  },
  options: { clamp: optional(pairOf(anyNumber)) },
  problem({ x, predicted, noise, coefficients, step }, { clamp }) {
    expectDtype(x, 'x', 'f32', 'f16');
    for (const [name, tensor] of Object.entries({ predicted, noise })) {
      if (!tensor) continue;
      expectDtype(tensor, name, x.dtype);
      expectShape(tensor, name, x.shape);
    }
    expectDtype(coefficients, 'coefficients', 'f32');
    const steps = coefficients.shape[0] ?? 1;
    expectShape(coefficients, 'coefficients', [steps, 3]);
    expectDtype(step, 'step', 'u32');
    expectShape(step, 'step', [1]);
    if (clamp && !(clamp[0] <= clamp[1])) {
      throw new OptionError(`clamp must be [low, high] with low <= high, not [${clamp}]`);
    }
    return { shape: x.shape, steps, noisy: noise !== undefined, clamp, dtype: x.dtype as 'f32' | 'f16' };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x, predicted, noise, coefficients, step }, { output }, problem) {
        const { shape, steps, noisy, clamp, dtype } = problem;
        const [low, high] = clamp ?? [0, 0];
        const size = sizeOf(shape);
        runtime.launch({
          kernel: ddimStepKernel,
          constants: { Element: dtype, HAS_NOISE: noisy, CLAMP: clamp !== undefined },
          buffers: { x, predicted, noise, coefficients, step, out: output },
          params: { size, steps, low, high },
          workgroups: spread(size),
        });
      },
    },
  ],
  flops: ({ shape, noisy }) => (noisy ? 5 : 3) * sizeOf(shape),
  reduction: () => 3,
});

/**
 * One step of DDIM for a network that predicts x0 (Song et al. 2021, eq. 12):
 * x' = √ᾱ' x̂0 + √(1 − ᾱ' − σ²) (x − √ᾱ x̂0) / √(1 − ᾱ) + σ noise.
 *
 * ᾱ, ᾱ' and σ of every step are in the rows of `coefficients`; the row is read from `step` on the device, so
 * that one captured step serves a whole loop.
 *
 * @param operands x and predicted of one shape, f32 or f16; noise as x, or none where σ = 0; coefficients
 *   (S, 3) f32, see `ddimCoefficients`; step (1) u32
 * @returns as x
 * @throws ShapeError, DtypeError, OptionError
 */
export function ddimStep(
  operands: {
    x: Tensor;
    predicted: Tensor;
    noise?: Tensor | undefined;
    coefficients: Tensor;
    step: Tensor;
  },
  options: DdimStepOptions = {},
): Tensor {
  return ddimStepOperation.run(operands, options).output;
}
