import reduceColumnsKernel from '../../../kernels/array/reduce_columns.wgsl.js';
import reducePlainKernel from '../../../kernels/array/reduce_plain.wgsl.js';
import reduceRowsKernel from '../../../kernels/array/reduce_rows.wgsl.js';
import reduceWorkgroupKernel from '../../../kernels/array/reduce_workgroup.wgsl.js';
import { checkFields, either, flag, integer, oneOf, optional, type Rules } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import { axisOf, type Shape, sizeOf } from '../../tensor/shape.js';
import { checkTensor, expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { integers } from '../rules.js';
import { permute } from './permute.js';
import { smallWorkgroup, workgroupOver } from './rows.js';

/** Numbers of the reductions in kernels/lib/reduction.wgsl; a mean is a sum with a scale. */
const numbers = { sum: 0, mean: 0, max: 1, min: 2, prod: 3, l2Norm: 4, logSumExp: 5 } as const;

export type Reduction = keyof typeof numbers;

export const reductions = Object.keys(numbers) as readonly Reduction[];

export interface ReduceOptions {
  /** The axes to reduce, negative from the end; all where absent. */
  readonly axes?: number | readonly number[] | undefined;
  /** Leave the reduced axes in the shape, with size 1. */
  readonly keepDims?: boolean | undefined;
}

const reduceRules: Rules<ReduceOptions> = {
  axes: optional(either(integer(), integers)),
  keepDims: optional(flag),
};

interface ReduceProblem {
  readonly outShape: Shape;
  readonly dtype: Dtype;
  readonly reduction: Reduction;
  /** The tensor as (outer, n, inner), of which n is reduced. */
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  /** The order of axes that makes it so, where its own does not. */
  readonly order: readonly number[] | undefined;
}

type Inputs = { readonly x: Tensor };

export const reduceOperation = defineOperation<
  { x: Tensor },
  ReduceOptions & { readonly reduction: Reduction },
  ReduceProblem,
  { output: Tensor }
>({
  name: 'reduce',
  operands: { x: 'required' },
  options: { ...reduceRules, reduction: oneOf(...reductions) },
  problem({ x }, { reduction, axes, keepDims = false }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const reduced = new Set(reducedAxes({ axes }, x.rank));
    const outShape = keepDims
      ? x.shape.map((size, axis) => (reduced.has(axis) ? 1 : size))
      : x.shape.filter((_, axis) => !reduced.has(axis));
    return { outShape, dtype: x.dtype, reduction, ...arrange(x.shape, reduced) };
  },
  outputs: ({ outShape, dtype }) => ({ output: { shape: outShape, dtype } }),
  variants: [
    {
      name: 'rows',
      suits: (_, { n, inner }) => inner === 1 && n % 4 === 0,
      meantFor: ['software'],
      run: (_, inputs, { output }, problem) => inParts(rows, inputs, output, problem),
    },
    {
      name: 'columns',
      suits: (_, { inner }) => inner % 4 === 0,
      meantFor: ['software'],
      run: (_, inputs, { output }, problem) => inParts(columns, inputs, output, problem),
    },
    {
      name: 'workgroup',
      suits: (_, { inner }) => inner === 1,
      meantFor: ['hardware'],
      prefers: (_, { n }) => n >= 32,
      run: (_, inputs, { output }, problem) => inParts(workgroup, inputs, output, problem),
    },
    {
      name: 'split',
      suits: () => true,
      run: (_, inputs, { output }, problem) => inParts(plain, inputs, output, problem),
    },
    {
      name: 'plain',
      suits: () => true,
      run(_, inputs, { output }, problem) {
        const { n, reduction } = problem;
        plain.launch(arranged(inputs, problem), output, problem, n, reduction === 'mean' ? 1 / n : 1);
      },
    },
  ],
  flops: ({ outer, n, inner }) => outer * n * inner,
  reduction: ({ n }) => n,
});

/** The axes that the options name, of a tensor of that many. */
export function reducedAxes({ axes }: ReduceOptions, rank: number): number[] {
  const listed =
    typeof axes === 'number' ? [axes] : (axes ?? Array.from({ length: rank }, (_, axis) => axis));
  return listed.map((axis) => axisOf(axis, rank));
}

/** The shape as (outer, n, inner), if need be after the axes are reordered to kept, then reduced ones. */
function arrange(
  shape: Shape,
  reduced: ReadonlySet<number>,
): Pick<ReduceProblem, 'outer' | 'n' | 'inner' | 'order'> {
  const long = [...shape.keys()].filter((axis) => shape[axis]! > 1);
  const first = long.findIndex((axis) => reduced.has(axis));
  const last = long.map((axis) => reduced.has(axis)).lastIndexOf(true);
  const size = (axes: readonly number[]) => sizeOf(axes.map((axis) => shape[axis]!));
  if (first < 0) return { outer: sizeOf(shape), n: 1, inner: 1, order: undefined };
  if (long.slice(first, last + 1).every((axis) => reduced.has(axis))) {
    return {
      outer: size(long.slice(0, first)),
      n: size(long.slice(first, last + 1)),
      inner: size(long.slice(last + 1)),
      order: undefined,
    };
  }
  const kept = [...shape.keys()].filter((axis) => !reduced.has(axis));
  return { outer: size(kept), n: size([...reduced]), inner: 1, order: [...kept, ...reduced] };
}

function arranged({ x }: Inputs, { order }: ReduceProblem): Tensor {
  return order ? permute(x, order) : x;
}

/** A kernel that reduces (outer, n, inner) to (outer, parts, inner), each part `length` long but the last. */
interface Stage {
  /** The shortest part worth an invocation or a workgroup of its own. */
  readonly shortest: number;
  /** Results at a time that keep a device of each class busy. */
  readonly wanted: { readonly software: number; readonly hardware: number };
  /** Results that one invocation or workgroup makes. */
  readonly results: number;
  launch(x: Tensor, out: Tensor, problem: ReduceProblem, length: number, scale: number): void;
}

/**
 * Reduces parts of n first where there are too few results to keep the device busy, then the results of the parts,
 * in f32. The reductions allow it: that of the parts' results is that of the whole.
 */
function inParts(stage: Stage, inputs: Inputs, out: Tensor, problem: ReduceProblem): void {
  const { outer, n, inner, reduction } = problem;
  const { runtime } = out;
  const scale = reduction === 'mean' ? 1 / n : 1;
  const x = arranged(inputs, problem);
  const results = Math.ceil((outer * inner) / stage.results);
  const wantedParts = Math.ceil(stage.wanted[runtime.traits.deviceClass] / results);
  const length = Math.max(stage.shortest, Math.ceil(n / wantedParts / 4) * 4);
  if (length >= n) {
    stage.launch(x, out, problem, n, scale);
    return;
  }
  const parts = Math.ceil(n / length);
  const partial = runtime.empty([outer, parts, inner], 'f32');
  stage.launch(x, partial, problem, length, 1);
  // Parts need not be a multiple of four, so those of `rows` go on by the plain kernel.
  const next = stage === rows ? plain : stage;
  next.launch(partial, out, { ...problem, n: parts }, parts, scale);
}

const plain: Stage = {
  shortest: 256,
  wanted: { software: 64, hardware: 2 ** 16 },
  results: 1,
  launch(x, out, { outer, n, inner, reduction }, length, scale) {
    const parts = Math.ceil(n / length);
    const count = outer * parts * inner;
    x.runtime.launch({
      kernel: reducePlainKernel,
      constants: { REDUCTION: numbers[reduction], Element: x.dtype, Out: out.dtype },
      buffers: { x, out },
      params: { count, n, inner, length, parts, scale },
      workgroups: spread(count, workgroupSize),
    });
  },
};

const rows: Stage = {
  shortest: 2048,
  wanted: { software: 64, hardware: 2 ** 16 },
  results: 1,
  launch(x, out, { outer, n, reduction }, length, scale) {
    const parts = Math.ceil(n / length);
    const count = outer * parts;
    x.runtime.launch({
      kernel: reduceRowsKernel,
      constants: {
        WORKGROUP: smallWorkgroup,
        REDUCTION: numbers[reduction],
        Element: x.dtype,
        Out: out.dtype,
      },
      buffers: { x, out },
      params: { count, n: n / 4, length: length / 4, parts, scale },
      workgroups: spread(count, smallWorkgroup),
    });
  },
};

const columns: Stage = {
  shortest: 512,
  wanted: { software: 64, hardware: 2 ** 16 },
  results: 4,
  launch(x, out, { outer, n, inner, reduction }, length, scale) {
    const parts = Math.ceil(n / length);
    const count = (outer * parts * inner) / 4;
    x.runtime.launch({
      kernel: reduceColumnsKernel,
      constants: {
        WORKGROUP: smallWorkgroup,
        REDUCTION: numbers[reduction],
        Element: x.dtype,
        Out: out.dtype,
      },
      buffers: { x, out },
      params: { count, n, inner: inner / 4, length, parts, scale },
      workgroups: spread(count, smallWorkgroup),
    });
  },
};

const workgroup: Stage = {
  shortest: 4096,
  wanted: { software: 8, hardware: 1024 },
  results: 1,
  launch(x, out, { outer, n, reduction }, length, scale) {
    const parts = Math.ceil(n / length);
    const count = outer * parts;
    x.runtime.launch({
      kernel: reduceWorkgroupKernel,
      constants: {
        WORKGROUP: workgroupOver(length),
        REDUCTION: numbers[reduction],
        Element: x.dtype,
        Out: out.dtype,
      },
      buffers: { x, out },
      params: { count, n, length, parts, scale },
      workgroups: spread(count, 1),
    });
  },
};

/** All of the functions below take f32 or f16, accumulate in f32 and keep the type. @throws ShapeError, DtypeError */
function reduce(reduction: Reduction, x: Tensor, options: ReduceOptions = {}): Tensor {
  checkTensor(reduction, 'x', x);
  checkFields(reduction, options, reduceRules);
  return reduceOperation.run({ x }, { ...options, reduction }, { as: reduction }).output;
}

/** Sum over some axes, or over all. */
export function sum(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('sum', x, options);
}

/** Mean over some axes, or over all. */
export function mean(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('mean', x, options);
}

/** Largest element along some axes, or of all. */
export function max(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('max', x, options);
}

/** Smallest element along some axes, or of all. */
export function min(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('min', x, options);
}

/** Product over some axes, or over all. Its gradient needs elements other than 0. */
export function prod(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('prod', x, options);
}

/** log Σ eˣ over some axes, or over all, without overflow. */
export function logSumExp(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('logSumExp', x, options);
}

/** √Σx² over some axes, or over all. */
export function l2Norm(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce('l2Norm', x, options);
}
