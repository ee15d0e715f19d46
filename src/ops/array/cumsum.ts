import cumsumPlainKernel from '../../../kernels/array/cumsum_plain.wgsl.js';
import cumsumWorkgroupKernel from '../../../kernels/array/cumsum_workgroup.wgsl.js';
import reducePlainKernel from '../../../kernels/array/reduce_plain.wgsl.js';
import reduceWorkgroupKernel from '../../../kernels/array/reduce_workgroup.wgsl.js';
import { flag, integer, optional } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import { axisOf, type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { workgroupOver } from './rows.js';

export interface CumsumOptions {
  /** Negative from the end; default -1, the last. */
  readonly axis?: number | undefined;
  /** Sum from the end of the axis instead of from its beginning. Default false. */
  readonly reverse?: boolean | undefined;
}

interface CumsumProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The tensor as (outer, n, inner), of which n is summed. */
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly reverse: boolean;
}

/** Elements of a part of `workgroup`: invocations of a workgroup times elements of each. */
const workgroupPart = 256 * 4;

/** The shortest part of `split`, and how many columns or parts of columns keep a device of each class busy. */
const shortest = 256;
const wanted = { software: 64, hardware: 2 ** 16 } as const;

export const cumsumOperation = defineOperation<
  { x: Tensor },
  CumsumOptions,
  CumsumProblem,
  { output: Tensor }
>({
  name: 'cumsum',
  operands: { x: 'required' },
  options: { axis: optional(integer()), reverse: optional(flag) },
  problem({ x }, { axis = -1, reverse = false }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const along = axisOf(axis, x.rank);
    const [outer, inner] = [sizeOf(x.shape.slice(0, along)), sizeOf(x.shape.slice(along + 1))];
    return { shape: x.shape, dtype: x.dtype, outer, n: x.shape[along]!, inner, reverse };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'workgroup',
      suits: (_, { inner }) => inner === 1,
      meantFor: ['hardware'],
      prefers: (_, { n }) => n >= 64,
      run: (_, { x }, { output }, problem) => workgroup(x, output, problem),
    },
    {
      name: 'split',
      suits: () => true,
      run: (_, { x }, { output }, problem) => split(x, output, problem),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, { x }, { output }, problem) => plain(x, output, problem, problem.n),
    },
  ],
  flops: ({ outer, n, inner }) => outer * n * inner,
  reduction: ({ n }) => n,
});

/** One invocation for each part of a column; `sums` are what parts go on from. */
function plain(
  x: Tensor,
  out: Tensor,
  { outer, n, inner, reverse }: CumsumProblem,
  length: number,
  sums?: Tensor,
): void {
  const parts = Math.ceil(n / length);
  const count = outer * parts * inner;
  x.runtime.launch({
    kernel: cumsumPlainKernel,
    constants: { REVERSE: reverse, HAS_SUMS: sums !== undefined, Element: x.dtype, Out: out.dtype },
    buffers: { x, sums, out },
    params: { count, n, inner, length, parts },
    workgroups: spread(count, workgroupSize),
  });
}

/** Where there are too few columns to keep the device busy, parts of them go on from the cumulative sums of the parts. */
function split(x: Tensor, out: Tensor, problem: CumsumProblem): void {
  const { outer, n, inner } = problem;
  const parts = Math.ceil(wanted[x.runtime.traits.deviceClass] / (outer * inner));
  const length = Math.max(shortest, Math.ceil(n / parts));
  if (length >= n) plain(x, out, problem, n);
  else plain(x, out, problem, length, sumsOfParts(x, problem, length, false));
}

/** One workgroup for each part of a row. */
function workgroup(x: Tensor, out: Tensor, problem: CumsumProblem): void {
  const { outer, n, reverse } = problem;
  const parts = Math.ceil(n / workgroupPart);
  const sums = parts > 1 ? sumsOfParts(x, problem, workgroupPart, true) : undefined;
  x.runtime.launch({
    kernel: cumsumWorkgroupKernel,
    constants: { REVERSE: reverse, Element: x.dtype, Out: out.dtype },
    buffers: { x, sums, out },
    params: { count: outer * parts, n, parts },
    workgroups: spread(outer * parts, 1),
  });
}

/**
 * The cumulative sums, f32 (outer, parts, inner), of the sums of all parts; `byWorkgroups` adds up each part by a workgroup,
 * which needs `inner` to be 1.
 */
function sumsOfParts(x: Tensor, problem: CumsumProblem, length: number, byWorkgroups: boolean): Tensor {
  const { runtime } = x;
  const { outer, n, inner } = problem;
  const parts = Math.ceil(n / length);
  const count = outer * parts * inner;
  const [sums, cumulative] = [runtime.empty([outer, parts, inner]), runtime.empty([outer, parts, inner])];
  const buffers = { x, out: sums };
  const constants = { REDUCTION: 0, Element: x.dtype };
  if (byWorkgroups) {
    runtime.launch({
      ...{ kernel: reduceWorkgroupKernel, buffers },
      constants: { ...constants, WORKGROUP: workgroupOver(length) },
      params: { count, n, length, parts, scale: 1 },
      workgroups: spread(count, 1),
    });
  } else {
    runtime.launch({
      ...{ kernel: reducePlainKernel, buffers, constants },
      params: { count, n, inner, length, parts, scale: 1 },
      workgroups: spread(count, workgroupSize),
    });
  }
  split(sums, cumulative, { ...problem, n: parts });
  return cumulative;
}

/**
 * Inclusive cumulative sum along an axis: element k is the sum of elements 0 to k, or with `reverse` of elements k to the
 * last. f32 or f16, accumulates in f32 and keeps the type. @throws OptionError, ShapeError, DtypeError
 */
export function cumsum(x: Tensor, options: CumsumOptions = {}): Tensor {
  return cumsumOperation.run({ x }, options).output;
}
