import conv2dShuffleKernel from '../../../kernels/conv/conv2d_shuffle.wgsl.js';
import gateSumsKernel from '../../../kernels/conv/gate_sums.wgsl.js';
import gatedConv2dPlainKernel from '../../../kernels/conv/gated_conv2d_plain.wgsl.js';
import { integer } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { rowWindows } from '../../tensor/windows.js';
import {
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
} from '../activation.js';
import { add } from '../array/binary.js';
import { broadcastTo } from '../array/broadcast-to.js';
import { cast } from '../array/cast.js';
import { concat } from '../array/concat.js';
import { fill } from '../array/fill.js';
import { inRowParts, type PartOf } from '../array/row-parts.js';
import { narrow } from '../array/slice.js';
import { isFollowed } from '../followed.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { defineOperation } from '../op.js';
import { conv2d, launchConv2d } from './conv.js';
import {
  type ConvGeometry,
  convDepth,
  convFlops,
  convGeometry,
  convParams,
  type PerAxis,
  shuffleTile,
  windowParams,
  windowRules,
} from './conv-geometry.js';
import { launchMatrixConv, launchMatrixSums, matrixSumsBytes } from './conv-matrix.js';
import { convVariants } from './conv-variants.js';
import { gateSums } from './gate-sums.js';

export interface GatedConv2dOptions extends ActivationOptions {
  /** Zeros on each side; default `same`, which keeps the size. */
  readonly padding?: PerAxis | 'same';
}

export interface GatedConvOperands {
  readonly input: Tensor;
  /** More input channels (B or 1, C2, H, W), as if concatenated after those of `input`. */
  readonly condition?: Tensor | undefined;
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly gateWeight: Tensor;
  readonly gateBias?: Tensor | undefined;
  /** Instead of `condition`: its share of the sums, as the layer `GatedConv2d` makes it once for many calls. */
  readonly partial?: Tensor | undefined;
  /** Multiplied to the output, (OH, OW) or (B, OH, OW). */
  readonly mask?: Tensor | undefined;
}

interface GatedConvProblem extends ConvGeometry {
  /** 1, or as many as the output. */
  readonly gateChannels: number;
  readonly dtype: Dtype;
  readonly activation: ActivationConstants;
  /** Products in one output element, those of the condition or the partial sums included. */
  readonly fullDepth: number;
}

type KernelName = 'matrix' | 'shuffle' | 'tiled' | 'plain';

export const gatedConv2dOperation = defineOperation<
  GatedConvOperands,
  GatedConv2dOptions,
  GatedConvProblem,
  { output: Tensor }
>({
  name: 'gatedConv2d',
  operands: {
    input: 'required',
    condition: 'optional',
    weight: 'required',
    bias: 'optional',
    gateWeight: 'required',
    gateBias: 'optional',
    partial: 'optional',
    mask: 'optional',
  },
  options: { ...activationRules, padding: windowRules.padding },
  problem(operands, options) {
    const { input, condition, weight, bias, gateWeight, gateBias, partial, mask } = operands;
    expectDtype(input, 'input', 'f32', 'f16');
    for (const name of ['condition', 'weight', 'bias', 'gateWeight', 'gateBias', 'mask'] as const) {
      const operand = operands[name];
      if (operand) expectDtype(operand, name, input.dtype);
    }
    const geometry = gatedGeometry(input, weight, gateWeight, options);
    const { batches, channels, height, width, outChannels, outHeight, outWidth } = geometry;
    const gateChannels = gateWeight.shape[0]!;
    const weightChannels = weight.shape[1]!;
    if (condition && partial) throw new OptionError('give condition or partial, not both');
    if (condition) {
      expectShape(condition, 'condition', [
        condition.shape[0] === 1 ? 1 : batches,
        weightChannels - channels,
        height,
        width,
      ]);
    } else if (partial) {
      expectDtype(partial, 'partial', 'f32', 'f16');
      const shared = partial.shape[0] === 1 ? 1 : batches;
      expectShape(partial, 'partial', [shared, outChannels + gateChannels, outHeight, outWidth]);
      if (channels > weightChannels) {
        throw new ShapeError(`input ${input} has more channels than weight ${weight}`);
      }
    } else if (channels !== weightChannels) {
      throw new ShapeError(
        `weight ${weight} has ${weightChannels} input channels, input ${input} has ${channels}: ` +
          'give the others as condition or partial',
      );
    }
    if (bias) expectShape(bias, 'bias', [outChannels]);
    if (gateBias) expectShape(gateBias, 'gateBias', [gateChannels]);
    if (mask) {
      expectShape(mask, 'mask', mask.rank === 2 ? [outHeight, outWidth] : [batches, outHeight, outWidth]);
    }
    return {
      ...geometry,
      gateChannels,
      dtype: input.dtype,
      activation: activationConstants(options),
      fullDepth: weightChannels * geometry.kernelHeight * geometry.kernelWidth,
    };
  },
  outputs: ({ batches, outChannels, outHeight, outWidth, dtype }) => ({
    output: { shape: [batches, outChannels, outHeight, outWidth], dtype },
  }),
  variants: convVariants(
    ['matrix', 'shuffle', 'tiled', 'plain'],
    (runtime, kernel, operands, output, problem) =>
      launchGatedConv2d(runtime, kernel, operands, output, problem),
    (traits, problem, kernel) =>
      kernel === 'plain' ||
      (problem.fullDepth < 2 ** 20 &&
        (kernel !== 'matrix' || matrixSumsBytes(problem) <= traits.limits.maxStorageBufferBindingSize)),
  ),
  flops: (problem) =>
    (convFlops(problem) * (problem.outChannels + problem.gateChannels)) / problem.outChannels,
  reduction: ({ fullDepth }) => fullDepth,
});

export interface GatedConvPartialOperands {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly gateWeight: Tensor;
}

export interface GatedConvPartialOptions {
  /** The weights' input channel that the first channel of the input belongs to. */
  readonly firstChannel: number;
  readonly padding?: PerAxis | 'same';
}

interface PartialProblem extends ConvGeometry {
  readonly gateChannels: number;
  readonly firstChannel: number;
  readonly dtype: Dtype;
}

export const gatedConv2dPartialOperation = defineOperation<
  GatedConvPartialOperands,
  GatedConvPartialOptions,
  PartialProblem,
  { output: Tensor }
>({
  name: 'gatedConv2dPartial',
  operands: { input: 'required', weight: 'required', gateWeight: 'required' },
  options: { firstChannel: integer(0), padding: windowRules.padding },
  problem({ input, weight, gateWeight }, options) {
    expectDtype(input, 'input', 'f32', 'f16');
    expectDtype(weight, 'weight', input.dtype);
    expectDtype(gateWeight, 'gateWeight', input.dtype);
    const geometry = gatedGeometry(input, weight, gateWeight, options);
    const { firstChannel } = options;
    if (firstChannel + geometry.channels > weight.shape[1]!) {
      throw new ShapeError(`input ${input} at channel ${firstChannel} reaches beyond weight ${weight}`);
    }
    return { ...geometry, gateChannels: gateWeight.shape[0]!, firstChannel, dtype: input.dtype };
  },
  outputs: ({ batches, outChannels, gateChannels, outHeight, outWidth }) => ({
    output: { shape: [batches, outChannels + gateChannels, outHeight, outWidth], dtype: 'f32' },
  }),
  variants: convVariants(
    ['matrix', 'shuffle', 'tiled', 'plain'],
    (runtime, kernel, operands, output, problem) =>
      kernel === 'matrix'
        ? launchMatrixConv(runtime, operands, output, problem)
        : launchPartial(runtime, kernel, operands, output, problem),
  ),
  flops: (problem) =>
    (convFlops(problem) * (problem.outChannels + problem.gateChannels)) / problem.outChannels,
  reduction: convDepth,
});

/**
 * Gated convolution `activation(conv(x, weight) + bias) · sigmoid(conv(x, gateWeight) + gateBias) · mask` with x the
 * channels of `input` (B, C, H, W) and of `condition`, stride 1 and zero padding (MS-2D-TAN, MapGatedConv). `weight`
 * (O, C + C2, KH, KW), `gateWeight` (1 or O, C + C2, KH, KW), `bias` (O) and `gateBias` (1 or O) give
 * (B, O, OH, OW), f32 or f16, summed in f32. The weights may be larger than a binding of the device, but not where a
 * gradient is wanted. No gradient flows to the mask.
 * @throws ShapeError, DtypeError, OptionError
 */
export function gatedConv2d(operands: GatedConvOperands, options: GatedConv2dOptions = {}): Tensor {
  gatedConv2dOperation.check(operands, options);
  const { weight, bias, gateWeight, gateBias, partial } = operands;
  if (isFollowed(operands)) return gatedConv2dSteps(operands, options);
  return inRowParts(weight, 1, (rows, partOf) => {
    if (rows === weight) return gatedConv2dOperation.run(operands, options).output;
    const channels = weight.shape[0]!;
    const gates = gateWeight.shape[0]!;
    const gatePartOf: PartOf = gates === 1 ? (gate) => gate : partOf;
    const part = {
      ...operands,
      weight: rows,
      bias: partOf(bias),
      gateWeight: gatePartOf(gateWeight),
      gateBias: gatePartOf(gateBias),
      partial:
        partial &&
        concat(
          [partOf(narrow(partial, 1, 0, channels), 1), gatePartOf(narrow(partial, 1, channels, gates), 1)],
          1,
        ),
    };
    return gatedConv2dOperation.run(part, options).output;
  });
}

/**
 * The share that some input channels have in the sums of a gated convolution, for use as its `partial`: what does
 * not change between the steps of a sampler is computed once. `input` holds the weights' input channels from
 * `firstChannel` on. Gives (B, O + G, OH, OW), f32: the O output channels, then the G gate channels.
 * @throws ShapeError, DtypeError, OptionError
 */
export function gatedConv2dPartial(
  operands: GatedConvPartialOperands,
  options: GatedConvPartialOptions,
): Tensor {
  gatedConv2dPartialOperation.check(operands, options);
  if (isFollowed(operands)) return gatedConv2dPartialSteps(operands, options);
  return gatedConv2dPartialOperation.run(operands, options).output;
}

/**
 * A gated convolution as one convolution for values and gates, and their gating: for gradients, which need the sums
 * that the fused kernels never write.
 */
export function gatedConv2dSteps(operands: GatedConvOperands, options: GatedConv2dOptions): Tensor {
  const { input, condition, weight, bias, gateWeight, gateBias, partial, mask } = operands;
  const { runtime, dtype } = input;
  const { padding = 'same', ...activation } = options;
  const { batches, channels, outChannels, gateChannels } = gatedConv2dOperation.problem(operands, options);
  return runtime.scope(() => {
    const image = condition
      ? concat([input, broadcastTo(condition, [batches, ...condition.shape.slice(1)])], 1)
      : input;
    const filters = concat([weight, gateWeight], 0);
    const biases =
      bias || gateBias
        ? concat(
            [
              bias ?? fill(runtime, [outChannels], 0, dtype),
              gateBias ?? fill(runtime, [gateChannels], 0, dtype),
            ],
            0,
          )
        : undefined;
    const own = conv2d(
      { input: image, weight: partial ? narrow(filters, 1, 0, channels) : filters, bias: biases },
      { padding, outDtype: 'f32' },
    );
    const sums = partial ? add(own, partial.dtype === 'f32' ? partial : cast(partial, 'f32')) : own;
    return gateSums({ sums, mask }, { ...activation, outChannels, outDtype: dtype as 'f32' | 'f16' });
  });
}

/** The same for the share of some input channels. */
export function gatedConv2dPartialSteps(
  operands: GatedConvPartialOperands,
  options: GatedConvPartialOptions,
): Tensor {
  const { input, weight, gateWeight } = operands;
  const { firstChannel, channels } = gatedConv2dPartialOperation.problem(operands, options);
  return input.runtime.scope(() => {
    const filters = narrow(concat([weight, gateWeight], 0), 1, firstChannel, channels);
    return conv2d({ input, weight: filters }, { padding: options.padding ?? 'same', outDtype: 'f32' });
  });
}

/** Rows (output channels), and quads of pixels a lane, of the shuffle kernel with one gate and with a gate a channel. */
const gatedTile = { rows: 16, quads: 2 };
const fullyGatedTile = { rows: 16, quads: 1 };

function launchGatedConv2d(
  runtime: Runtime,
  kernel: KernelName,
  operands: GatedConvOperands,
  output: Tensor,
  problem: GatedConvProblem,
): void {
  const { input, condition, weight, bias, gateWeight, gateBias, mask } = operands;
  const { outChannels, gateChannels, outHeight, outWidth, padding } = problem;
  const plane = outHeight * outWidth;
  const partial = condition
    ? gatedConv2dPartialOperation.run(
        { input: condition, weight, gateWeight },
        { firstChannel: problem.channels, padding },
        { variant: kernel },
      ).output
    : operands.partial;
  const constants = {
    Element: input.dtype,
    Partial: partial?.dtype,
    HAS_BIAS: bias !== undefined,
    HAS_GATE_BIAS: gateBias !== undefined,
    HAS_PARTIAL: partial !== undefined,
    HAS_MASK: mask !== undefined,
    ...problem.activation,
  };
  const ends = { bias, gate_bias: gateBias, partial_sum: partial, mask, out: output };
  const strides = {
    partial_batch: partial && partial.shape[0]! > 1 ? (outChannels + gateChannels) * plane : 0,
    mask_batch: mask?.rank === 3 ? plane : 0,
  };
  if (kernel === 'matrix' || kernel === 'tiled') {
    // The gate is as good as more output channels, and gating is cheap beside the sums.
    const sums =
      kernel === 'matrix'
        ? launchMatrixSums(runtime, { input, weight, gateWeight }, problem)
        : runtime.empty([problem.batches, outChannels + gateChannels, outHeight, outWidth]);
    if (kernel === 'tiled') {
      launchPartial(runtime, kernel, { input, weight, gateWeight }, sums, { ...problem, firstChannel: 0 });
    }
    runtime.launch({
      kernel: gateSumsKernel,
      constants,
      buffers: { ...ends, sums },
      params: {
        parts: kernel === 'matrix' ? sums.shape[0]! : 1,
        batches: problem.batches,
        out_channels: outChannels,
        gate_channels: gateChannels,
        plane,
        ...strides,
      },
      workgroups: spread(output.size),
    });
    return;
  }
  const buffers = { ...ends, image: input, weight, gate_weight: gateWeight };
  const weightChannels = { weight_channels: weight.shape[1]! };
  if (kernel === 'plain') {
    const params = { ...convParams(problem), ...weightChannels, ...strides };
    runtime.launch({
      kernel: gatedConv2dPlainKernel,
      constants: { ...constants, GATE_PER_CHANNEL: gateChannels > 1 },
      buffers,
      params,
      workgroups: spread(params.pixels * outChannels),
    });
    return;
  }
  const most = gateChannels > 1 ? fullyGatedTile : gatedTile;
  const { tile, workgroups } = shuffleTile(runtime.traits, problem, most);
  runtime.launch({
    kernel: conv2dShuffleKernel,
    constants: {
      ...constants,
      ...tile,
      Result: output.dtype,
      GATE_ROWS: gateChannels > 1 ? tile.ROWS : 1,
      LONG: isLongSum(convDepth(problem)),
    },
    buffers,
    params: {
      ...windowParams(problem),
      ...weightChannels,
      ...strides,
      ...{ first_channel: 0, all_out_channels: outChannels, first_out_channel: 0 },
    },
    workgroups,
  });
}

function launchPartial(
  runtime: Runtime,
  kernel: Exclude<KernelName, 'matrix'>,
  { input, weight, gateWeight }: GatedConvPartialOperands,
  output: Tensor,
  problem: ConvGeometry & Pick<PartialProblem, 'gateChannels' | 'firstChannel'>,
): void {
  const { firstChannel, outChannels } = problem;
  const sums = { ...problem, activation: activationConstants({}) };
  for (const [weights, first] of [
    [weight, 0],
    [gateWeight, outChannels],
  ] as const) {
    for (const { view, begin, end } of rowWindows(weights)) {
      const rows = { ...sums, outChannels: end - begin };
      const window = { firstChannel, firstOutChannel: first + begin };
      launchConv2d(runtime, kernel, { input, weight: view }, output, rows, window);
    }
  }
}

function gatedGeometry(
  input: Tensor,
  weight: Tensor,
  gateWeight: Tensor,
  { padding = 'same' }: { readonly padding?: PerAxis | 'same' },
): ConvGeometry {
  const geometry = convGeometry(input, weight.shape, { padding });
  const [outChannels, ...window] = weight.shape;
  const gateChannels = gateWeight.shape[0] === 1 ? 1 : outChannels!;
  expectShape(gateWeight, 'gateWeight', [gateChannels, ...window]);
  return geometry;
}
