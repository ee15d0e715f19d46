import channelMomentsGradientKernel from '../../../kernels/norm/channel_moments_gradient.wgsl.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { type ChannelSizes, channelSizes } from './channel-sizes.js';

interface Operands {
  /** (B, C, …) f32 or f16. */
  readonly x: Tensor;
  /** (C) f32, the mean of each channel of x. */
  readonly mean: Tensor;
  /** (C) f32 */
  readonly meanGradient?: Tensor | undefined;
  /** (C) f32 */
  readonly varianceGradient?: Tensor | undefined;
}

interface Problem extends ChannelSizes {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

export const channelMomentsGradientOperation = defineOperation<
  Operands,
  Record<never, never>,
  Problem,
  { output: Tensor }
>({
  name: 'channelMomentsGradient',
  operands: { x: 'required', mean: 'required', meanGradient: 'optional', varianceGradient: 'optional' },
  options: {},
  problem({ x, ...perChannel }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const sizes = channelSizes(x);
    for (const [name, tensor] of Object.entries(perChannel)) {
      if (!tensor) continue;
      expectDtype(tensor, name, 'f32');
      expectShape(tensor, name, [sizes.channels]);
    }
    return { ...sizes, shape: x.shape, dtype: x.dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { spatial }) => spatial % 4 === 0,
      run: (_, operands, { output }, problem) =>
        launch(operands, output, problem, 4, { Packed: 'vec4<Element>', Wide: 'vec4f' }),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, operands, { output }, problem) => launch(operands, output, problem, 1, {}),
    },
  ],
  flops: ({ batch, channels, spatial }) => 4 * batch * channels * spatial,
  reduction: () => 2,
});

function launch(
  { x, mean, meanGradient, varianceGradient }: Operands,
  out: Tensor,
  { batch, channels, spatial, dtype }: Problem,
  width: number,
  types: { readonly Packed?: string; readonly Wide?: string },
): void {
  const count = x.size / width;
  x.runtime.launch({
    kernel: channelMomentsGradientKernel,
    constants: {
      Element: dtype,
      HAS_MEAN: meanGradient !== undefined,
      HAS_VARIANCE: varianceGradient !== undefined,
      ...types,
    },
    buffers: { x, mean, mean_gradient: meanGradient, variance_gradient: varianceGradient, out },
    params: { count, channels, spatial: spatial / width, factor: 1 / (batch * spatial) },
    workgroups: spread(count),
  });
}
