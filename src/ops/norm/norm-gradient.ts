import normalizeColumnSumsKernel from '../../../kernels/norm/normalize_column_sums.wgsl.js';
import normalizeGradientPlainKernel from '../../../kernels/norm/normalize_gradient_plain.wgsl.js';
import normalizeGradientSubgroupKernel from '../../../kernels/norm/normalize_gradient_subgroup.wgsl.js';
import normalizeGradientWorkgroupKernel from '../../../kernels/norm/normalize_gradient_workgroup.wgsl.js';
import normalizeParametersKernel from '../../../kernels/norm/normalize_parameters.wgsl.js';
import { integer, listOf, numberIn, oneOf } from '../../arguments.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  groupParams,
  lanesFor,
  layoutCounts,
  type NormLayout,
  sharesGroups,
  sharesGroupsInSoftware,
  statistics,
} from './norm-groups.js';

/** Operands of a normalization beside x, in the order of its formula. */
export const normParameters = ['weight', 'bias', 'scale', 'shift'] as const;

type Parameter = (typeof normParameters)[number];

/** Those of the normalization, and the gradient of its result; all of one type. */
interface Operands {
  readonly x: Tensor;
  /** As x. */
  readonly gradient: Tensor;
  /** (C) */
  readonly weight?: Tensor | undefined;
  /** (C) */
  readonly bias?: Tensor | undefined;
  /** (B, C) */
  readonly scale?: Tensor | undefined;
}

interface Options extends NormLayout {
  readonly statistic: keyof typeof statistics;
  readonly eps: number;
  /** Parameters whose gradients are wanted beside that of x. */
  readonly wanted: readonly Parameter[];
}

interface Problem extends Options {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly hasWeight: boolean;
  readonly hasBias: boolean;
  readonly hasScale: boolean;
  /** Where the sums of each channel come from: one group has all of it in a sample, or the columns of rows. */
  readonly sums: 'none' | 'runs' | 'columns';
}

type Outputs = { readonly x: Tensor } & { readonly [Name in Parameter]?: Tensor };

export const normGradientOperation = defineOperation<Operands, Options, Problem, Outputs>({
  name: 'normGradient',
  operands: { x: 'required', gradient: 'required', weight: 'optional', bias: 'optional', scale: 'optional' },
  options: {
    groups: integer(1),
    span: integer(1),
    stride: integer(1),
    spatial: integer(1),
    channelGroups: integer(1),
    sampleGroups: integer(1),
    statistic: oneOf('variance', 'meanSquare', 'norm'),
    eps: numberIn(0),
    wanted: listOf(oneOf(...normParameters)),
  },
  problem({ x, gradient, weight, bias, scale }, options) {
    const { statistic, eps, wanted, ...layout } = options;
    const { channels, samples } = layoutCounts(layout);
    expectDtype(x, 'x', 'f32', 'f16');
    for (const [name, tensor, shape] of [
      ['gradient', gradient, x.shape],
      ['weight', weight, [channels]],
      ['bias', bias, [channels]],
      ['scale', scale, [samples, channels]],
    ] as const) {
      if (!tensor) continue;
      expectDtype(tensor, name, x.dtype);
      expectShape(tensor, name, shape);
    }
    const { groups, span, stride, spatial, channelGroups, sampleGroups } = layout;
    const isRows = spatial === 1 && channelGroups === 1;
    return {
      ...{ groups, span, stride, spatial, channelGroups, sampleGroups, statistic, eps, wanted },
      shape: x.shape,
      dtype: x.dtype,
      hasWeight: weight !== undefined,
      hasBias: bias !== undefined,
      hasScale: scale !== undefined,
      sums: wanted.length === 0 ? 'none' : isRows ? 'columns' : 'runs',
    };
  },
  outputs(problem) {
    const { channels, samples } = layoutCounts(problem);
    const { shape, dtype, wanted } = problem;
    const shapes = {
      weight: [channels],
      bias: [channels],
      scale: [samples, channels],
      shift: [samples, channels],
    };
    return {
      x: { shape, dtype },
      ...Object.fromEntries(wanted.map((name) => [name, { shape: shapes[name], dtype }])),
    };
  },
  variants: [
    {
      name: 'subgroup',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      prefers: sharesGroupsInSoftware,
      run(runtime, operands, outputs, problem) {
        const lanes = runtime.traits.subgroupMaxSize;
        run(runtime, normalizeGradientSubgroupKernel, operands, outputs, problem, lanes);
      },
    },
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      prefers: sharesGroups,
      run(runtime, operands, outputs, problem) {
        const lanes = lanesFor(problem.span);
        run(runtime, normalizeGradientWorkgroupKernel, operands, outputs, problem, lanes);
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, outputs, problem) =>
        run(runtime, normalizeGradientPlainKernel, operands, outputs, problem, undefined),
    },
  ],
  flops: ({ shape, statistic }) => (statistic === 'variance' ? 20 : 16) * sizeOf(shape),
  reduction: (problem) => Math.max(problem.span, sizeOf(problem.shape) / layoutCounts(problem).channels),
});

/** @param lanes invocations of a workgroup that shares a group; an invocation has a group to itself where absent */
function run(
  runtime: Runtime,
  kernel: KernelSource,
  operands: Operands,
  outputs: Outputs,
  problem: Problem,
  lanes: number | undefined,
): void {
  const { x, gradient, weight, bias, scale } = operands;
  const { groups, dtype, spatial, channelGroups, sums: source, wanted } = problem;
  const { channels, samples } = layoutCounts(problem);
  const runs = source === 'runs' ? runtime.empty([2, samples, 1, channels]) : undefined;
  const rows = source === 'columns' ? runtime.empty([3, groups]) : undefined;
  runtime.launch({
    kernel,
    constants: {
      Element: dtype,
      STATISTIC: statistics[problem.statistic],
      CHANNEL_RUNS: spatial > 1 || channelGroups > 1,
      CHANNEL_SUMS: runs !== undefined,
      STATISTICS: rows !== undefined,
      HAS_WEIGHT: problem.hasWeight,
      HAS_SCALE: problem.hasScale,
      WORKGROUP: lanes,
    },
    buffers: { x, gradient, weight, scale, out: outputs.x, sums: runs, statistics: rows },
    params: { ...groupParams(problem), eps: problem.eps },
    workgroups: spread(groups, lanes && 1),
  });
  const sums = rows ? columnSums(operands, rows, problem) : runs;
  if (!sums) return;
  runtime.launch({
    kernel: normalizeParametersKernel,
    constants: {
      Element: dtype,
      HAS_WEIGHT: problem.hasWeight,
      HAS_BIAS: problem.hasBias,
      HAS_SCALE: problem.hasScale,
      ...Object.fromEntries(
        normParameters.map((name) => [`WANTS_${name.toUpperCase()}`, wanted.includes(name)]),
      ),
    },
    buffers: {
      ...{ sums, weight, bias, scale },
      weight_gradient: outputs.weight,
      bias_gradient: outputs.bias,
      scale_gradient: outputs.scale,
      shift_gradient: outputs.shift,
    },
    params: { samples: sums.shape[1]!, parts: sums.shape[2]!, channels },
    workgroups: spread(channels),
  });
}

/** Invocations that keep a device of each class busy, and the fewest rows worth one of them. */
const busy = { software: 256, hardware: 2 ** 15 };
const shortestPart = 16;

/** The sums (2, samples, parts, C) of the columns of rows. */
function columnSums({ x, gradient }: Operands, rowStatistics: Tensor, problem: Problem): Tensor {
  const { runtime } = x;
  const { groups, sampleGroups, dtype, hasScale, wanted } = problem;
  const { channels } = layoutCounts(problem);
  // Samples count by themselves only for the stylization.
  const styled = hasScale || wanted.includes('shift');
  const sampleRows = styled ? sampleGroups : groups;
  const samples = groups / sampleRows;
  const width = channels % 4 === 0 ? 4 : 1;
  const wantedParts = Math.ceil((busy[runtime.traits.deviceClass] * width) / (samples * channels));
  const partRows = Math.max(shortestPart, Math.ceil(sampleRows / wantedParts));
  const parts = Math.ceil(sampleRows / partRows);
  const sums = runtime.empty([2, samples, parts, channels]);
  runtime.launch({
    kernel: normalizeColumnSumsKernel,
    constants: { Element: dtype, ...(width === 4 && { Packed: 'vec4<Element>', Wide: 'vec4f' }) },
    buffers: { x, gradient, statistics: rowStatistics, sums },
    params: {
      samples,
      sample_rows: sampleRows,
      parts,
      part_rows: partRows,
      channels: channels / width,
    },
    workgroups: spread((samples * parts * channels) / width),
  });
  return sums;
}
