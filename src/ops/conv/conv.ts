import conv2dPlainKernel from '../../../kernels/conv/conv2d_plain.wgsl.js';
import conv2dShuffleKernel from '../../../kernels/conv/conv2d_shuffle.wgsl.js';
import conv2dStripKernel from '../../../kernels/conv/conv2d_strip.wgsl.js';
import conv2dTiledKernel from '../../../kernels/conv/conv2d_tiled.wgsl.js';
import { either, integer, oneOf, optional, type Rules } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { type Dtype, floatDtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import {
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
} from '../activation.js';
import { activated } from '../array/activated.js';
import { inRowParts } from '../array/row-parts.js';
import { checkCall } from '../call.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { defineOperation } from '../op.js';
import { launchSumParts } from '../split-depth.js';
import {
  type ConvGeometry,
  convDepth,
  convFlops,
  convGeometry,
  shuffleTile,
  stripTile,
  tiledSplit,
  type WindowOptions,
  windowParams,
  windowRules,
} from './conv-geometry.js';
import { launchMatrixConv } from './conv-matrix.js';
import { type ConvKernelName, convVariants } from './conv-variants.js';

export interface Conv2dOptions extends ActivationOptions, WindowOptions {
  /** Type of the output, f32 or f16; default that of the operands. */
  readonly outDtype?: 'f32' | 'f16';
}

/** As {@link Conv2dOptions}, for one axis. */
export interface Conv1dOptions extends ActivationOptions {
  readonly stride?: number;
  readonly padding?: number | 'same';
  readonly dilation?: number;
  readonly outDtype?: 'f32' | 'f16';
}

export interface ConvOperands {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

interface ConvProblem extends ConvGeometry {
  readonly hasBias: boolean;
  readonly dtype: Dtype;
  readonly outDtype: Dtype;
  readonly activation: ActivationConstants;
}

export const conv2dOperation = defineOperation<ConvOperands, Conv2dOptions, ConvProblem, { output: Tensor }>({
  name: 'conv2d',
  operands: { input: 'required', weight: 'required', bias: 'optional' },
  options: { ...activationRules, ...windowRules, outDtype: optional(floatDtype) },
  problem({ input, weight, bias }, options) {
    expectDtype(input, 'input', 'f32', 'f16');
    expectDtype(weight, 'weight', input.dtype);
    const { outDtype = input.dtype } = options;
    const geometry = convGeometry(input, weight.shape, options);
    if (input.shape[1] !== weight.shape[1]) {
      throw new ShapeError(`input ${input} and weight ${weight} must have as many input channels`);
    }
    if (bias) {
      expectDtype(bias, 'bias', input.dtype);
      expectShape(bias, 'bias', [geometry.outChannels]);
    }
    return {
      ...geometry,
      hasBias: bias !== undefined,
      dtype: input.dtype,
      outDtype,
      activation: activationConstants(options),
    };
  },
  outputs: ({ batches, outChannels, outHeight, outWidth, outDtype }) => ({
    output: { shape: [batches, outChannels, outHeight, outWidth], dtype: outDtype },
  }),
  variants: convVariants(
    ['matrix', 'strip', 'shuffle', 'tiled', 'plain'],
    (runtime, kernel, operands, output, problem) =>
      kernel === 'matrix'
        ? launchMatrixConv(runtime, operands, output, problem)
        : launchConv2d(runtime, kernel, operands, output, problem),
  ),
  flops: convFlops,
  reduction: convDepth,
});

/** The windows of a convolution that is part of a larger sum or result (kernels/conv/conv2d_plain.wgsl). */
interface ConvWindow {
  /** The weight's input channel that the first channel of the input belongs to. */
  readonly firstChannel: number;
  /** Where the output channels begin in `output`, which may have more. */
  readonly firstOutChannel: number;
}

/** Records one convolution into `output`, with the kernel of that name. */
export function launchConv2d(
  runtime: Runtime,
  kernel: Exclude<ConvKernelName, 'matrix'>,
  { input, weight, bias }: ConvOperands,
  output: Tensor,
  problem: Pick<ConvProblem, keyof ConvGeometry> & Partial<ConvProblem>,
  { firstChannel, firstOutChannel }: ConvWindow = { firstChannel: 0, firstOutChannel: 0 },
): void {
  const constants = {
    Element: input.dtype,
    Result: output.dtype,
    HAS_BIAS: bias !== undefined,
    ...problem.activation,
  };
  const buffers = { image: input, weight, bias, out: output };
  const params = {
    ...windowParams(problem),
    weight_channels: weight.shape[1]!,
    first_channel: firstChannel,
    all_out_channels: output.shape[1]!,
    first_out_channel: firstOutChannel,
  };
  if (kernel === 'plain') {
    const workgroups = spread(params.pixels * problem.outChannels);
    runtime.launch({ kernel: conv2dPlainKernel, constants, buffers, params, workgroups });
    return;
  }
  if (kernel === 'tiled') {
    launchTiled(runtime, { input, weight, bias }, output, problem, { constants, params });
    return;
  }
  const long = { LONG: isLongSum(convDepth(problem)) };
  if (kernel === 'strip') {
    const { tile, workgroups } = stripTile(runtime.traits, problem);
    const strip = { kernel: conv2dStripKernel, constants: { ...constants, ...long, ...tile } };
    runtime.launch({ ...strip, buffers, params, workgroups });
    return;
  }
  const { tile, workgroups } = shuffleTile(runtime.traits, problem, convTile);
  runtime.launch({
    kernel: conv2dShuffleKernel,
    constants: { ...constants, ...long, ...tile },
    buffers: {
      ...buffers,
      ...{ gate_weight: undefined, gate_bias: undefined, partial_sum: undefined, mask: undefined },
    },
    params: { ...params, partial_batch: 0, mask_batch: 0 },
    workgroups,
  });
}

/** The tiled kernel; where it computes its sums in parts, they are joined after it. */
function launchTiled(
  runtime: Runtime,
  { input, weight, bias }: ConvOperands,
  output: Tensor,
  problem: Pick<ConvProblem, keyof ConvGeometry> & Partial<ConvProblem>,
  whole: {
    readonly constants: Readonly<Record<string, number | boolean | string>>;
    readonly params: ReturnType<typeof windowParams> &
      Readonly<
        Record<'weight_channels' | 'first_channel' | 'all_out_channels' | 'first_out_channel', number>
      >;
  },
): void {
  const { batches, outChannels, outHeight, outWidth } = problem;
  const { tile, tiles, parts, partDepth } = tiledSplit(problem);
  const taps = problem.kernelHeight * problem.kernelWidth;
  const rows = [problem.channels, whole.params.weight_channels, whole.params.first_channel];
  const packed = rows.every((channels) => (channels * taps) % 4 === 0);
  const inParts = parts > 1;
  const sums = inParts ? runtime.empty([parts, batches, outChannels, outHeight, outWidth]) : output;
  runtime.launch({
    kernel: conv2dTiledKernel,
    constants: {
      ...(inParts ? { Element: input.dtype } : whole.constants),
      ...tile,
      ...(packed && { Packed: 'vec4<Element>', WIDTH: 4 }),
    },
    buffers: { image: input, weight, bias: inParts ? undefined : bias, out: sums },
    params: {
      ...whole.params,
      ...(inParts && { all_out_channels: outChannels, first_out_channel: 0 }),
      part_depth: partDepth,
    },
    workgroups: spread(tiles * parts, 1),
  });
  if (!inParts) return;
  const plane = outHeight * outWidth;
  launchSumParts(runtime, sums, {
    output,
    batches,
    size: outChannels * plane,
    outBatch: whole.params.all_out_channels * plane,
    outFirst: whole.params.first_out_channel * plane,
    bias,
    biasStride: plane,
    activation: problem.activation,
  });
}

/** Most rows (output channels), and quads of pixels a lane, of the shuffle kernel (measured). */
const convTile = { rows: 17, quads: 2 };

/**
 * Two-dimensional convolution `activation(conv(input, weight) + bias)`: `input` (B, C, H, W), `weight`
 * (O, C, KH, KW) and `bias` (O) give (B, O, OH, OW), f32 or f16, summed in f32. The weight may be larger than a
 * binding of the device.
 * @throws ShapeError, DtypeError, OptionError
 */
export function conv2d(operands: ConvOperands, options: Conv2dOptions = {}): Tensor {
  conv2dOperation.check(operands, options);
  const { input, weight, bias } = operands;
  return activated(operands, options, (options) =>
    inRowParts(
      weight,
      1,
      (rows, partOf) => conv2dOperation.run({ input, weight: rows, bias: partOf(bias) }, options).output,
    ),
  );
}

export const conv1dRules: Rules<Conv1dOptions> = {
  ...activationRules,
  stride: optional(integer(1)),
  padding: optional(either(integer(0), oneOf('same'))),
  dilation: optional(integer(1)),
  outDtype: optional(floatDtype),
};

/**
 * One-dimensional convolution: `input` (B, C, L), `weight` (O, C, K) and `bias` (O) give (B, O, OL).
 * @throws ShapeError, DtypeError, OptionError
 */
export function conv1d(operands: ConvOperands, options: Conv1dOptions = {}): Tensor {
  checkCall('conv1d', { operands: conv2dOperation.spec.operands, options: conv1dRules }, operands, options);
  const { input, weight, bias } = operands;
  if (input.rank !== 3 || weight.rank !== 3) {
    throw new ShapeError(`conv1d: input ${input} and weight ${weight} must have three axes`);
  }
  const { stride = 1, padding = 0, dilation = 1 } = options;
  return input.runtime.scope(() => {
    const output = conv2d(
      { input: withHeight(input), weight: withHeight(weight), bias },
      {
        ...options,
        stride: [1, stride],
        padding: padding === 'same' ? padding : [0, padding],
        dilation: [1, dilation],
      },
    );
    const [batches, channels, , length] = output.shape;
    return output.reshape([batches!, channels!, length!]);
  });
}

/** (X, Y, L) as (X, Y, 1, L). */
function withHeight(tensor: Tensor): Tensor {
  const [x, y, length] = tensor.shape;
  return tensor.reshape([x!, y!, 1, length!]);
}
