import { ShapeError } from '../errors.js';
import type { Dtype } from '../tensor/dtype.js';
import type { Runtime } from '../tensor/runtime.js';
import { expectDtype, type Tensor } from '../tensor/tensor.js';
import { spread } from './grid.js';
import { lanesFor } from './norm.js';
import { defineOperation } from './op.js';

interface ChannelMomentsProblem {
  readonly batch: number;
  readonly channels: number;
  readonly spatial: number;
  readonly dtype: Dtype;
}

export interface ChannelMoments extends Record<string, Tensor> {
  /** (C) f32 */
  readonly mean: Tensor;
  /** (C) f32, biased: divided by the count. */
  readonly variance: Tensor;
}

export const channelMomentsOperation = defineOperation<
  { x: Tensor },
  Record<string, never>,
  ChannelMomentsProblem,
  ChannelMoments
>({
  name: 'channelMoments',
  problem({ x }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const [batch, channels] = x.shape;
    if (batch === undefined || channels === undefined) {
      throw new ShapeError(`channelMoments: ${x} must be (B, C, …)`);
    }
    return { batch, channels, spatial: x.size / (batch * channels), dtype: x.dtype };
  },
  outputs: ({ channels }) => ({
    mean: { shape: [channels], dtype: 'f32' },
    variance: { shape: [channels], dtype: 'f32' },
  }),
  variants: [
    {
      name: 'subgroup',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run(runtime, { x }, outputs, problem) {
        const lanes = runtime.traits.subgroupMaxSize;
        launch(runtime, 'norm/channel_moments_subgroup', x, outputs, problem, { WORKGROUP: lanes });
      },
    },
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      run(runtime, { x }, outputs, problem) {
        const lanes = lanesFor(Math.max(problem.batch, problem.spatial));
        launch(runtime, 'norm/channel_moments_workgroup', x, outputs, problem, { WORKGROUP: lanes });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, { x }, outputs, problem) =>
        launch(runtime, 'norm/channel_moments_plain', x, outputs, problem, {}),
    },
  ],
  flops: ({ batch, channels, spatial }) => 6 * batch * channels * spatial,
  reduction: ({ batch, spatial }) => batch * spatial,
});

function launch(
  runtime: Runtime,
  kernel: `norm/channel_moments_${'plain' | 'subgroup' | 'workgroup'}`,
  x: Tensor,
  { mean, variance }: ChannelMoments,
  { batch, channels, spatial, dtype }: ChannelMomentsProblem,
  constants: { readonly WORKGROUP?: number },
): void {
  const alongSpace = { span: spatial, stride: 1, rows: batch, row_stride: channels * spatial };
  const alongBatch = { span: batch, stride: channels * spatial, rows: spatial, row_stride: 1 };
  runtime.launch({
    kernel,
    constants: { Element: dtype, ...constants },
    buffers: { x, mean, variance },
    // The lanes go along the longer runs.
    params: { channels, channel_stride: spatial, ...(spatial >= batch ? alongSpace : alongBatch) },
    workgroups: constants.WORKGROUP ? spread(channels, 1) : spread(channels),
  });
}

/**
 * Mean and biased variance of each channel of `x` (B, C, …), f32 or f16, over all other axes: the statistics of
 * batch normalization in training.
 * @throws ShapeError, DtypeError
 */
export function channelMoments(x: Tensor): ChannelMoments {
  return channelMomentsOperation.run({ x }, {});
}
