import matmulSumPartsKernel from '../../kernels/matmul/sum_parts.wgsl.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ActivationConstants } from './activation.js';
import { spread } from './grid.js';

/** Workgroups that keep a large GPU busy: those of few tiles share out the depth of their sums to come near. */
const enoughWorkgroups = 512;

/** A part that is less deep costs more to join than it gains. */
const leastPartDepth = 256;

/** A part that is deeper loses too much to rounding. */
const mostPartDepth = 2 ** 14;

/** Parts begin at multiples of this, which the depths of the tiled kernels' slices divide. */
const partDepthUnit = 32;

/** Into how many parts the sums of a product of so many tiles are split, and how deep each is. */
export function splitDepth(tiles: number, depth: number): { parts: number; partDepth: number } {
  const most = Math.min(Math.floor(enoughWorkgroups / tiles), Math.floor(depth / leastPartDepth));
  const least = Math.ceil(depth / mostPartDepth);
  const partDepth = Math.ceil(depth / Math.max(1, least, most) / partDepthUnit) * partDepthUnit;
  return { parts: Math.ceil(depth / partDepth), partDepth };
}

/** What is done with a finished sum, and where it goes. */
export interface PartsTarget {
  readonly output: Tensor;
  readonly batches: number;
  /** Elements of a batch. */
  readonly size: number;
  /** Elements from one batch of the output to the next, and where these begin in it. */
  readonly outBatch: number;
  readonly outFirst: number;
  /** A number for each of so many neighbours; added in turn. */
  readonly bias: Tensor | undefined;
  readonly biasStride: number;
  readonly activation: ActivationConstants | undefined;
}

/** Adds up `sums` (parts, batches, size), always in the same order, into the output. */
export function launchSumParts(runtime: Runtime, sums: Tensor, target: PartsTarget): void {
  const { output, batches, size, bias, biasStride } = target;
  runtime.launch({
    kernel: matmulSumPartsKernel,
    constants: {
      Element: bias?.dtype,
      Result: output.dtype,
      HAS_BIAS: bias !== undefined,
      ...target.activation,
    },
    buffers: { sums, bias, out: output },
    params: {
      parts: sums.shape[0]!,
      batches,
      size,
      bias_stride: biasStride,
      bias_size: bias?.size ?? 1,
      out_batch: target.outBatch,
      out_first: target.outFirst,
    },
    workgroups: spread(batches * size),
  });
}

/** A product whose sums one launch computes, or several parts of them. */
export interface TiledProduct {
  readonly tiles: number;
  /** Length of the sums. */
  readonly depth: number;
  readonly output: Tensor;
  readonly bias: Tensor | undefined;
  readonly activation: ActivationConstants;
}

/** What a launch of such a product computes: parts `partDepth` deep of its sums, into `out` (parts, …output). */
export interface DepthParts {
  readonly parts: number;
  readonly partDepth: number;
  readonly out: Tensor;
  /** Whether there is one part, to which the launch itself must add the bias, and apply the activation. */
  readonly whole: boolean;
}

/** Computes a product by `launch`, and joins what it leaves in parts. */
export function inDepthParts(
  runtime: Runtime,
  { tiles, depth, output, bias, activation }: TiledProduct,
  launch: (parts: DepthParts) => void,
): void {
  const { parts, partDepth } = splitDepth(tiles, depth);
  const whole = parts === 1;
  const out = whole ? output : runtime.empty([parts, ...output.shape]);
  launch({ parts, partDepth, out, whole });
  if (whole) return;
  launchSumParts(runtime, out, {
    output,
    batches: 1,
    size: output.size,
    outBatch: output.size,
    outFirst: 0,
    bias,
    biasStride: 1,
    activation,
  });
}
