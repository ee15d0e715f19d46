import batchNormParametersKernel from '../../../kernels/norm/batch_norm_parameters.wgsl.js';
import batchNormSumsPlainKernel from '../../../kernels/norm/batch_norm_sums_plain.wgsl.js';
import batchNormSumsSubgroupKernel from '../../../kernels/norm/batch_norm_sums_subgroup.wgsl.js';
import batchNormSumsWorkgroupKernel from '../../../kernels/norm/batch_norm_sums_workgroup.wgsl.js';
import { numberIn } from '../../arguments.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { type ChannelSizes, channelRuns, channelSizes } from './channel-sizes.js';
import { lanesFor } from './norm-groups.js';

interface Operands {
  /** (B, C, …) f32 or f16. */
  readonly x: Tensor;
  /** As x, of the result. */
  readonly gradient: Tensor;
  /** (C) f32 */
  readonly mean: Tensor;
  /** (C) f32 */
  readonly variance: Tensor;
  /** (C) */
  readonly weight?: Tensor | undefined;
}

interface Problem extends ChannelSizes {
  readonly eps: number;
  readonly hasWeight: boolean;
  readonly dtype: Dtype;
}

/** The gradients of what batchNorm has for each channel. */
interface Outputs {
  /** (C) f32 */
  readonly mean: Tensor;
  /** (C) f32 */
  readonly variance: Tensor;
  /** (C), of the type of x. */
  readonly weight: Tensor;
  /** (C), of the type of x. */
  readonly bias: Tensor;
}

export const batchNormGradientOperation = defineOperation<
  Operands,
  { readonly eps: number },
  Problem,
  Outputs
>({
  name: 'batchNormGradient',
  operands: {
    x: 'required',
    gradient: 'required',
    mean: 'required',
    variance: 'required',
    weight: 'optional',
  },
  options: { eps: numberIn(0) },
  problem({ x, gradient, mean, variance, weight }, { eps }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const sizes = channelSizes(x);
    expectDtype(gradient, 'gradient', x.dtype);
    expectShape(gradient, 'gradient', x.shape);
    for (const [name, tensor, dtype] of [
      ['mean', mean, 'f32'],
      ['variance', variance, 'f32'],
      ['weight', weight, x.dtype],
    ] as const) {
      if (!tensor) continue;
      expectDtype(tensor, name, dtype);
      expectShape(tensor, name, [sizes.channels]);
    }
    return { ...sizes, eps, hasWeight: weight !== undefined, dtype: x.dtype };
  },
  outputs: ({ channels, dtype }) => ({
    mean: { shape: [channels], dtype: 'f32' },
    variance: { shape: [channels], dtype: 'f32' },
    weight: { shape: [channels], dtype },
    bias: { shape: [channels], dtype },
  }),
  variants: [
    {
      name: 'subgroup',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run(runtime, operands, outputs, problem) {
        const lanes = runtime.traits.subgroupMaxSize;
        run(runtime, batchNormSumsSubgroupKernel, operands, outputs, problem, lanes);
      },
    },
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      run(runtime, operands, outputs, problem) {
        const lanes = lanesFor(Math.max(problem.batch, problem.spatial));
        run(runtime, batchNormSumsWorkgroupKernel, operands, outputs, problem, lanes);
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, outputs, problem) =>
        run(runtime, batchNormSumsPlainKernel, operands, outputs, problem, undefined),
    },
  ],
  flops: ({ batch, channels, spatial }) => 5 * batch * channels * spatial,
  reduction: ({ batch, spatial }) => batch * spatial,
});

/** @param lanes invocations of a workgroup that shares a channel; an invocation has one to itself where absent */
function run(
  runtime: Runtime,
  kernel: KernelSource,
  { x, gradient, mean, variance, weight }: Operands,
  outputs: Outputs,
  problem: Problem,
  lanes: number | undefined,
): void {
  const { channels, eps, hasWeight, dtype } = problem;
  const sums = runtime.empty([channels, 2]);
  runtime.launch({
    kernel,
    constants: { Element: dtype, WORKGROUP: lanes },
    buffers: { x, gradient, mean, variance, sums },
    params: { ...channelRuns(problem), eps },
    workgroups: spread(channels, lanes && 1),
  });
  runtime.launch({
    kernel: batchNormParametersKernel,
    constants: { Element: dtype, HAS_WEIGHT: hasWeight },
    buffers: {
      ...{ sums, variance, weight },
      mean_gradient: outputs.mean,
      variance_gradient: outputs.variance,
      weight_gradient: outputs.weight,
      bias_gradient: outputs.bias,
    },
    params: { channels, eps },
    workgroups: spread(channels),
  });
}
