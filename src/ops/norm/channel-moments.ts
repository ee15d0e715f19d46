import channelMomentsPlainKernel from '../../../kernels/norm/channel_moments_plain.wgsl.js';
import channelMomentsSubgroupKernel from '../../../kernels/norm/channel_moments_subgroup.wgsl.js';
import channelMomentsWorkgroupKernel from '../../../kernels/norm/channel_moments_workgroup.wgsl.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { type ChannelSizes, channelRuns, channelSizes } from './channel-sizes.js';
import { lanesFor } from './norm-groups.js';

interface ChannelMomentsProblem extends ChannelSizes {
  readonly dtype: Dtype;
}

export interface ChannelMoments {
  /** (C) f32 */
  readonly mean: Tensor;
  /** (C) f32, biased: divided by the count. */
  readonly variance: Tensor;
}

export const channelMomentsOperation = defineOperation<
  { x: Tensor },
  Record<never, never>,
  ChannelMomentsProblem,
  ChannelMoments
>({
  name: 'channelMoments',
  operands: { x: 'required' },
  options: {},
  problem({ x }) {
    expectDtype(x, 'x', 'f32', 'f16');
    return { ...channelSizes(x), dtype: x.dtype };
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
        launch(runtime, channelMomentsSubgroupKernel, x, outputs, problem, { WORKGROUP: lanes });
      },
    },
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      run(runtime, { x }, outputs, problem) {
        const lanes = lanesFor(Math.max(problem.batch, problem.spatial));
        launch(runtime, channelMomentsWorkgroupKernel, x, outputs, problem, { WORKGROUP: lanes });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, { x }, outputs, problem) =>
        launch(runtime, channelMomentsPlainKernel, x, outputs, problem, {}),
    },
  ],
  flops: ({ batch, channels, spatial }) => 6 * batch * channels * spatial,
  reduction: ({ batch, spatial }) => batch * spatial,
});

function launch(
  runtime: Runtime,
  kernel: KernelSource,
  x: Tensor,
  { mean, variance }: ChannelMoments,
  problem: ChannelMomentsProblem,
  constants: { readonly WORKGROUP?: number },
): void {
  const { channels, dtype } = problem;
  runtime.launch({
    kernel,
    constants: { Element: dtype, ...constants },
    buffers: { x, mean, variance },
    params: channelRuns(problem),
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
