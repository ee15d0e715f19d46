import conv2dMatrixKernel from '../../../kernels/conv/conv2d_matrix.wgsl.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { type Dtype, dtypeBytes } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ActivationConstants } from '../activation.js';
import { spread } from '../grid.js';
import { launchSumParts, splitDepth } from '../split-depth.js';
import { matrixConstants, subgroupMatrix } from '../subgroup-matrix.js';
import { type ConvGeometry, convDepth, convParams, windowParams } from './conv-geometry.js';

/** The convolutions of kernels/conv/conv2d_matrix.wgsl, one or two of the same input. */
export interface MatrixConvOperands {
  readonly input: Tensor;
  readonly weight: Tensor;
  /** More rows of the product, whose sums follow those of `weight`. */
  readonly gateWeight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
}

export interface MatrixConvProblem extends ConvGeometry {
  /** Rows of the gate's weight, if it has one. */
  readonly gateChannels?: number;
  /** The weights' input channel that the first channel of the input belongs to; default 0. */
  readonly firstChannel?: number;
  readonly activation?: ActivationConstants;
  readonly dtype: Dtype;
}

/** Whether the matrix kernel gives the right answer: its quotients are exact below 2^20 (lib/quotient.wgsl). */
export function isConvMatrixLegal(traits: DeviceTraits, problem: MatrixConvProblem): boolean {
  return matrixTile(traits, problem.dtype) !== undefined && convDepth(problem) < 2 ** 20;
}

/** Whether it is a good choice: below a quarter of a tile most of the work is on zeros. */
export function prefersConvMatrix(traits: DeviceTraits, problem: MatrixConvProblem): boolean {
  const tile = matrixTile(traits, problem.dtype)!;
  return 4 * rowsOf(problem) >= tile.rows && 4 * convParams(problem).pixels >= tile.columns;
}

/** Records a convolution; `output` holds the channels of the weight, then those of the gate's. */
export function launchMatrixConv(
  runtime: Runtime,
  operands: MatrixConvOperands,
  output: Tensor,
  problem: MatrixConvProblem,
): void {
  const layout = matrixLayout(runtime.traits, problem);
  if (layout.parts === 1) {
    launchSums(runtime, operands, output, problem, layout);
    return;
  }
  const plane = problem.outHeight * problem.outWidth;
  const size = rowsOf(problem) * plane;
  launchSumParts(runtime, launchMatrixSums(runtime, operands, problem), {
    ...{ output, batches: problem.batches, size, outBatch: size, outFirst: 0 },
    ...{ bias: operands.bias, biasStride: plane, activation: problem.activation },
  });
}

/** Records only the sums, in parts that remain to be added up: (parts, B, O + G, OH, OW), f32. */
export function launchMatrixSums(
  runtime: Runtime,
  { input, weight, gateWeight }: MatrixConvOperands,
  problem: MatrixConvProblem,
): Tensor {
  const layout = matrixLayout(runtime.traits, problem);
  const { batches, outHeight, outWidth } = problem;
  const sums = runtime.empty([layout.parts, batches, rowsOf(problem), outHeight, outWidth]);
  launchSums(runtime, { input, weight, gateWeight }, sums, { ...problem, activation: undefined }, layout);
  return sums;
}

/** Most bytes that the sums take where they are not parts, which are few. */
export function matrixSumsBytes(problem: MatrixConvProblem): number {
  return rowsOf(problem) * convParams(problem).pixels * dtypeBytes.f32;
}

function launchSums(
  runtime: Runtime,
  { input, weight, gateWeight, bias }: MatrixConvOperands,
  out: Tensor,
  problem: Omit<MatrixConvProblem, 'activation'> & { readonly activation?: ActivationConstants | undefined },
  { loneRow, tiles, parts, partDepth }: MatrixLayout,
): void {
  const { gateChannels = 0, firstChannel = 0, dtype } = problem;
  const taps = problem.kernelHeight * problem.kernelWidth;
  const weightChannels = weight.shape[1]!;
  // Every row, and the depth of the input within it, begins and ends at a multiple of four.
  const inFours = [weightChannels, firstChannel, problem.channels].every((size) => (size * taps) % 4 === 0);
  runtime.launch({
    kernel: conv2dMatrixKernel,
    constants: {
      ...matrixConstants(runtime.traits, dtype),
      Element: dtype,
      Result: out.dtype,
      HAS_BIAS: bias !== undefined,
      HAS_GATE: gateWeight !== undefined,
      LONE_ROW: loneRow,
      ...(inFours && { Packed: 'vec4<Element>', WIDTH: 4 }),
      ...problem.activation,
    },
    buffers: { image: input, weight, gate_weight: gateWeight, bias, out },
    params: {
      ...windowParams(problem),
      weight_channels: weightChannels,
      first_channel: firstChannel,
      gate_channels: gateChannels,
      part_depth: partDepth,
    },
    workgroups: spread(tiles * parts, 1),
  });
}

interface MatrixLayout {
  /** One row more than the tiles hold. */
  readonly loneRow: boolean;
  readonly tiles: number;
  readonly parts: number;
  readonly partDepth: number;
}

function matrixLayout(traits: DeviceTraits, problem: MatrixConvProblem): MatrixLayout {
  const tile = matrixTile(traits, problem.dtype)!;
  const rows = rowsOf(problem);
  const loneRow = rows > 1 && rows % tile.rows === 1;
  const rowTiles = loneRow ? (rows - 1) / tile.rows : Math.ceil(rows / tile.rows);
  const tiles = rowTiles * Math.ceil(convParams(problem).pixels / tile.columns);
  return { loneRow, tiles, ...splitDepth(tiles, convDepth(problem)) };
}

/** The tile of the matrix kernel, where the device has such matrices and the memory for its slices. */
function matrixTile(traits: DeviceTraits, dtype: Dtype): { rows: number; columns: number } | undefined {
  const shape = subgroupMatrix(traits, dtype);
  if (!shape) return undefined;
  const [rows, columns, depth] = [8 * shape.m, 8 * shape.n, 2 * shape.k];
  // Padded slices, with the matrix of a lone row, and a matrix of sums for each of four subgroups.
  const elements = (rows + shape.m) * (depth + 8) + depth * (columns + 8);
  const bytes = elements * dtypeBytes[dtype] + 4 * shape.m * shape.n * 4;
  return bytes <= traits.limits.maxComputeWorkgroupStorageSize ? { rows, columns } : undefined;
}

function rowsOf({ outChannels, gateChannels = 0 }: MatrixConvProblem): number {
  return outChannels + gateChannels;
}
