import batchNormPlainKernel from '../../../kernels/norm/batch_norm_plain.wgsl.js';
import batchNormVectorKernel from '../../../kernels/norm/batch_norm_vector.wgsl.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { type ActivationConstants, activationConstants } from '../activation.js';
import { activated } from '../array/activated.js';
import { unitsEach } from '../array/elements.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { type ChannelSizes, channelSizes } from './channel-sizes.js';
import { type NormOptions, normRules } from './norm.js';

export interface BatchNormOperands {
  /** (B, C, …) f32 or f16. */
  readonly x: Tensor;
  /** (C) f32 */
  readonly mean: Tensor;
  /** (C) f32 */
  readonly variance: Tensor;
  /** (C) Factor of each channel, of the type of x, as bias. */
  readonly weight?: Tensor | undefined;
  /** (C) Summand of each channel, after the factor. */
  readonly bias?: Tensor | undefined;
}

interface BatchNormProblem extends ChannelSizes {
  readonly shape: Shape;
  readonly eps: number;
  readonly hasWeight: boolean;
  readonly hasBias: boolean;
  readonly dtype: Dtype;
  readonly activation: ActivationConstants;
}

export const batchNormOperation = defineOperation<
  BatchNormOperands,
  NormOptions,
  BatchNormProblem,
  { output: Tensor }
>({
  name: 'batchNorm',
  operands: { x: 'required', mean: 'required', variance: 'required', weight: 'optional', bias: 'optional' },
  options: normRules,
  problem({ x, ...perChannel }, { eps = 1e-5, ...activation }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const sizes = channelSizes(x);
    for (const [name, tensor] of Object.entries(perChannel)) {
      if (!tensor) continue;
      expectDtype(tensor, name, name === 'mean' || name === 'variance' ? 'f32' : x.dtype);
      expectShape(tensor, name, [sizes.channels]);
    }
    return {
      ...sizes,
      shape: x.shape,
      eps,
      hasWeight: perChannel.weight !== undefined,
      hasBias: perChannel.bias !== undefined,
      dtype: x.dtype,
      activation: activationConstants(activation),
    };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { spatial }) => spatial % 4 === 0,
      run(runtime, operands, { output }, problem) {
        const items = unitsEach(runtime.traits);
        launch(runtime, batchNormVectorKernel, operands, output, problem, 4, { ITEMS: items });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, { output }, problem) =>
        launch(runtime, batchNormPlainKernel, operands, output, problem, 1, {}),
    },
  ],
  flops: ({ shape }) => 4 * sizeOf(shape),
  reduction: () => 1,
});

function launch(
  runtime: Runtime,
  kernel: KernelSource,
  { x, mean, variance, weight, bias }: BatchNormOperands,
  out: Tensor,
  { channels, spatial, eps, hasWeight, hasBias, dtype, activation }: BatchNormProblem,
  width: number,
  constants: { readonly ITEMS?: number },
): void {
  const count = x.size / width;
  runtime.launch({
    kernel,
    constants: { Element: dtype, HAS_WEIGHT: hasWeight, HAS_BIAS: hasBias, ...activation, ...constants },
    buffers: { x, mean, variance, weight, bias, out },
    params: { count, channels, spatial: spatial / width, eps },
    workgroups: spread(count, workgroupSize * (constants.ITEMS ?? 1)),
  });
}

/**
 * BatchNorm (Ioffe and Szegedy 2015) of `x` (B, C, …) with given statistics, those of training for inference:
 * `activation((x − mean) / √(variance + eps) · weight + bias)`. Those of the batch at
 * hand are what the layer `BatchNorm` takes in training.
 * @throws ShapeError, DtypeError, OptionError
 */
export function batchNorm(operands: BatchNormOperands, options: NormOptions = {}): Tensor {
  batchNormOperation.check(operands, options);
  return activated(operands, options, (plain) => batchNormOperation.run(operands, plain).output);
}
