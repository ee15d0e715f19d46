import conv2dWeightGradientPlainKernel from '../../../kernels/conv/conv2d_weight_gradient_plain.wgsl.js';
import conv2dWeightGradientShuffleKernel from '../../../kernels/conv/conv2d_weight_gradient_shuffle.wgsl.js';
import conv2dWeightGradientTiledKernel from '../../../kernels/conv/conv2d_weight_gradient_tiled.wgsl.js';
import { integer, pairOf } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { defineOperation } from '../op.js';
import { launchSumParts, splitDepth } from '../split-depth.js';
import {
  type ConvGeometry,
  convDepth,
  convFlops,
  convGeometry,
  evenParts,
  isConvTiledLegal,
  tiledTile,
  tileRows,
  type WindowOptions,
  windowParams,
  windowRules,
} from './conv-geometry.js';

interface WeightGradientOperands {
  readonly input: Tensor;
  /** The gradient of the convolution's output. */
  readonly gradient: Tensor;
}

interface WeightGradientOptions extends WindowOptions {
  /** Height and width of the kernel. */
  readonly kernel: readonly [number, number];
}

interface WeightGradientProblem extends ConvGeometry {
  readonly dtype: Dtype;
}

export const conv2dWeightGradientOperation = defineOperation<
  WeightGradientOperands,
  WeightGradientOptions,
  WeightGradientProblem,
  { output: Tensor }
>({
  name: 'conv2dWeightGradient',
  operands: { input: 'required', gradient: 'required' },
  options: { ...windowRules, kernel: pairOf(integer(1)) },
  problem({ input, gradient }, options) {
    expectDtype(input, 'input', 'f32', 'f16');
    expectDtype(gradient, 'gradient', input.dtype);
    const [, channels = 0] = input.shape;
    const [, outChannels] = gradient.shape;
    if (!outChannels) throw new ShapeError(`gradient ${gradient} must have four axes`);
    const weight = [outChannels, channels, ...options.kernel];
    const geometry = convGeometry(input, weight, options);
    const { batches, outHeight, outWidth } = geometry;
    expectShape(gradient, 'gradient', [batches, outChannels, outHeight, outWidth]);
    return { ...geometry, dtype: input.dtype };
  },
  outputs: ({ outChannels, channels, kernelHeight, kernelWidth, dtype }) => ({
    output: { shape: [outChannels, channels, kernelHeight, kernelWidth], dtype },
  }),
  variants: [
    {
      name: 'shuffle',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run: (runtime, operands, { output }, problem) => launchShuffle(runtime, operands, output, problem),
    },
    {
      name: 'tiled',
      suits: isConvTiledLegal,
      meantFor: ['hardware'],
      run: (runtime, operands, { output }, problem) => launchTiled(runtime, operands, output, problem),
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { input, gradient }, { output }, problem) {
        runtime.launch({
          kernel: conv2dWeightGradientPlainKernel,
          constants: { Element: problem.dtype },
          buffers: { image: input, gradient, out: output },
          params: windowParams(problem),
          workgroups: spread(output.size),
        });
      },
    },
  ],
  flops: convFlops,
  reduction: ({ batches, outHeight, outWidth }) => batches * outHeight * outWidth,
});

/**
 * The gradient of `conv2d` by its weight: `input` (B, C, H, W) and the gradient of its output (B, O, OH, OW) give
 * (O, C, KH, KW), f32 or f16, summed in f32.
 * @throws ShapeError, DtypeError, OptionError
 */
export function conv2dWeightGradient(
  operands: WeightGradientOperands,
  options: WeightGradientOptions,
): Tensor {
  return conv2dWeightGradientOperation.run(operands, options).output;
}

/**
 * Rows (output channels) of the shuffle kernel at most, and taps of a kernel's line that slide together. Measured:
 * beyond some hundred sums a lane compilers give up.
 */
const mostRows = 17;
const mostTaps = 6;

function launchShuffle(
  runtime: Runtime,
  { input, gradient }: WeightGradientOperands,
  output: Tensor,
  problem: WeightGradientProblem,
): void {
  const { batches, channels, outChannels, outHeight, outWidth, kernelHeight, kernelWidth } = problem;
  const lanes = runtime.traits.subgroupMaxSize;
  const slides = problem.stride[1] === 1 && problem.dilation[1] === 1;
  const taps = slides ? evenParts(kernelWidth, mostTaps) : 1;
  const spansEach = taps === 1 ? 4 : Math.floor(mostTaps / taps);
  const rows = tileRows(outChannels, mostRows);
  const spans = channels * kernelHeight * Math.ceil(kernelWidth / taps);
  const tiles = Math.ceil(spans / (spansEach * lanes)) * Math.ceil(outChannels / rows);
  const lines = batches * outHeight;
  const { partDepth } = splitDepth(tiles, lines * outWidth);
  const partLines = Math.min(lines, Math.ceil(partDepth / outWidth));
  const parts = Math.ceil(lines / partLines);
  inParts(runtime, output, parts, (sums) =>
    runtime.launch({
      kernel: conv2dWeightGradientShuffleKernel,
      constants: {
        Element: problem.dtype,
        Result: sums.dtype,
        WORKGROUP: lanes,
        ROWS: rows,
        SPANS: spansEach,
        TAPS: taps,
        LONG: isLongSum(partLines * outWidth),
      },
      buffers: { image: input, gradient, out: sums },
      params: { ...windowParams(problem), part_lines: partLines },
      workgroups: spread(tiles * parts, 1),
    }),
  );
}

function launchTiled(
  runtime: Runtime,
  { input, gradient }: WeightGradientOperands,
  output: Tensor,
  problem: WeightGradientProblem,
): void {
  const { tile, rows, columns } = tiledTile(problem.outChannels);
  const tiles = Math.ceil(problem.outChannels / rows) * Math.ceil(convDepth(problem) / columns);
  const params = windowParams(problem);
  const { parts, partDepth } = splitDepth(tiles, params.pixels);
  inParts(runtime, output, parts, (sums) =>
    runtime.launch({
      kernel: conv2dWeightGradientTiledKernel,
      constants: { Element: problem.dtype, Result: sums.dtype, ...tile },
      buffers: { image: input, gradient, out: sums },
      params: { ...params, part_depth: partDepth },
      workgroups: spread(tiles * parts, 1),
    }),
  );
}

/** Computes sums (parts, …) that are the output where there is one part, and are added up to it where there are more. */
function inParts(runtime: Runtime, output: Tensor, parts: number, compute: (sums: Tensor) => void): void {
  if (parts === 1) {
    compute(output);
    return;
  }
  const sums = runtime.empty([parts, ...output.shape]);
  compute(sums);
  const { size } = output;
  const whole = { output, batches: 1, size, outBatch: size, outFirst: 0 };
  launchSumParts(runtime, sums, { ...whole, bias: undefined, biasStride: 1, activation: undefined });
}
