import { loadReference } from '../native/index.js';
import { maskedMeanOperation } from '../src/ops/array/masked-mean.js';
import { maskedMeanGradientOperation } from '../src/ops/array/masked-mean-gradient.js';
import { type Reduction, reduceOperation, reductions } from '../src/ops/array/reduce.js';
import { type Shape, sizeOf } from '../src/tensor/shape.js';
import type { CaseTable } from './support/case-table.js';
import { fill, normal, result, u32 } from './support/host.js';
import { doubles, words } from './support/kinds.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  reduce(x: Float64Array, shape: Uint32Array, reduced: Uint32Array, name: string): Float64Array;
  maskedMeanGradient(
    gradient: Float64Array,
    mask: Float64Array,
    outer: number,
    n: number,
    inner: number,
  ): Float64Array;
  maskedMean(x: Float64Array, mask: Float64Array, outer: number, n: number, inner: number): Float64Array;
}>();

interface ReduceSize {
  reduction: Reduction;
  shape: Shape;
  axes?: number[];
  keepDims?: boolean;
}

/** Elements away from 0, so that a relative bound on sums and products means something. */
function element(reduction: Reduction, random: Random, long: boolean): number {
  if (reduction === 'prod') return 1 + (long ? 1e-3 : 0.05) * random.normal();
  // Equal, so that what rounding takes off does not cancel, and so small that halves hold their sum.
  if (long && (reduction === 'sum' || reduction === 'mean')) return 0.03;
  return reduction === 'sum' || reduction === 'mean' ? 0.5 + random.normal() : 3 * random.normal();
}

export const reduceCases: CaseTable<ReduceSize> = {
  operation: reduceOperation,
  sizes: [
    ...reductions.map((reduction) => ({ reduction, shape: [3, 260], axes: [-1] })),
    { reduction: 'sum', shape: [3, 70], axes: [1], keepDims: true },
    { reduction: 'min', shape: [3, 7, 64], axes: [1] },
    { reduction: 'logSumExp', shape: [3, 7, 64], axes: [1] },
    { reduction: 'prod', shape: [3, 7, 5], axes: [-2] },
    { reduction: 'sum', shape: [] },
    { reduction: 'sum', shape: [1, 1], axes: [0] },
    { reduction: 'mean', shape: [2, 3, 5, 7], axes: [0, 2] },
    { reduction: 'max', shape: [4, 6, 5], axes: [0, 2], keepDims: true },
    { reduction: 'sum', shape: [2, 3], axes: [] },
    // Long enough to be split into parts.
    { reduction: 'logSumExp', shape: [2, 20_000], axes: [1] },
    { reduction: 'l2Norm', shape: [9001], axes: [0] },
    { reduction: 'mean', shape: [5000, 12], axes: [0] },
  ],
  long: [
    // A product rounds with every factor.
    ...reductions.map((reduction) => ({ reduction, shape: [reduction === 'prod' ? 30_003 : 1_000_003] })),
    { reduction: 'sum', shape: [2, 999_999], axes: [1] },
    { reduction: 'logSumExp', shape: [1, 1_000_000], axes: [1] },
    { reduction: 'sum', shape: [500_001, 2], axes: [0] },
    { reduction: 'mean', shape: [500_001, 4], axes: [0] },
    { reduction: 'sum', shape: [3, 7, 40_003], axes: [0, 2] },
  ],
  random: (fc) =>
    fc
      .record({
        reduction: fc.constantFrom<Reduction[]>('sum', 'mean', 'max', 'logSumExp'),
        axes: fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.boolean()), {
          minLength: 1,
          maxLength: 4,
        }),
        keepDims: fc.boolean(),
      })
      .filter(({ axes }) => sizeOf(axes.map(([size]) => size)) < 20_000)
      .map(({ axes, ...rest }) => ({
        ...rest,
        shape: axes.map(([size]) => size),
        axes: [...axes.keys()].filter((axis) => axes[axis]![1]),
      })),
  benchmarks: [
    { reduction: 'sum', shape: [4096, 4096], axes: [1] },
    { reduction: 'sum', shape: [4096, 4096], axes: [0] },
    { reduction: 'sum', shape: [2 ** 24] },
    { reduction: 'logSumExp', shape: [512, 32_000], axes: [1] },
  ],
  make: ({ shape, ...options }, random) => ({
    inputs: { x: fill(shape, () => element(options.reduction, random, sizeOf(shape) > 25_000)) },
    options,
  }),
  reference: ({ x }, { reduction, axes, keepDims = false }) => {
    const rank = x.shape.length;
    const listed = (axes ?? [...x.shape.keys()]).map((axis: number) => (axis < 0 ? axis + rank : axis));
    const reduced = x.shape.map((_: number, axis: number) => Number(listed.includes(axis)));
    const shape = keepDims
      ? x.shape.map((size: number, axis: number) => (reduced[axis] ? 1 : size))
      : x.shape.filter((_: number, axis: number) => !reduced[axis]);
    return { output: result(shape, native.reduce(x.data, words(x.shape), words(reduced), reduction)) };
  },
};

interface MaskedMeanSize {
  shape: Shape;
  axis: number;
  /** Whether the mask is of 0 and 1, u32, or of weights in the type of x. */
  binary: boolean;
}

export const maskedMeanCases: CaseTable<MaskedMeanSize> = {
  operation: maskedMeanOperation,
  // The weights are a mask, no parameters: no rule reaches them.
  constants: () => ['mask'],
  sizes: [
    { shape: [1], axis: 0, binary: true },
    { shape: [3, 20, 9], axis: 1, binary: true },
    { shape: [2, 3, 33], axis: -1, binary: false },
  ],
  long: [
    { shape: [1_000_003], axis: 0, binary: true },
    { shape: [2, 999_999, 2], axis: 1, binary: false },
  ],
  random: (fc) =>
    fc.record({
      shape: fc.tuple(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
      ),
      axis: fc.integer({ min: 0, max: 2 }),
      binary: fc.boolean(),
    }),
  benchmarks: [{ shape: [32, 20, 512], axis: 1, binary: true }],
  make: ({ shape, axis, binary }, random) => {
    const along = axis < 0 ? axis + shape.length : axis;
    const masked = shape.slice(0, along + 1);
    const x = normal(random, shape);
    return {
      inputs: {
        x: { ...x, data: x.data.map((value) => value + 1) },
        mask: binary ? u32(masked, () => random.whole(0, 1)) : fill(masked, () => random.uniform()),
      },
      options: { axis },
    };
  },
  reference: ({ x, mask }, { axis }) => {
    const along = axis < 0 ? axis + x.shape.length : axis;
    const [outer, n, inner] = [
      x.shape.slice(0, along),
      x.shape.slice(along, along + 1),
      x.shape.slice(along + 1),
    ];
    const output = native.maskedMean(x.data, doubles(mask), sizeOf(outer), sizeOf(n), sizeOf(inner));
    return { output: result([...outer, ...inner], output) };
  },
};

export const maskedMeanGradientCases: CaseTable<MaskedMeanSize> = {
  operation: maskedMeanGradientOperation,
  sizes: maskedMeanCases.sizes,
  // Shorter: halves cannot hold the shares of more elements.
  long: [
    { shape: [1, 10_001, 2], axis: 1, binary: true },
    { shape: [1, 10_001, 2], axis: 1, binary: false },
  ],
  random: maskedMeanCases.random,
  make: (size, random) => {
    const { inputs, options } = maskedMeanCases.make(size, random);
    const { shape } = inputs.x!;
    const along = options.axis < 0 ? options.axis + shape.length : options.axis;
    const outShape = shape.filter((_, k) => k !== along);
    return {
      inputs: { gradient: normal(random, outShape), mask: inputs.mask },
      options: { ...options, shape },
    };
  },
  reference: ({ gradient, mask }, { axis, shape }) => {
    const along = axis < 0 ? axis + shape.length : axis;
    const sizes = [shape.slice(0, along), [shape[along]!], shape.slice(along + 1)].map(sizeOf);
    const [outer, n, inner] = sizes as [number, number, number];
    return {
      output: result(shape, native.maskedMeanGradient(gradient.data, doubles(mask), outer, n, inner)),
    };
  },
};
