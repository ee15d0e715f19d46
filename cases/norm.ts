import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { type Activation, activations } from '../src/ops/activation.js';
import { batchNormOperation } from '../src/ops/norm/batch-norm.js';
import { channelMomentsOperation } from '../src/ops/norm/channel-moments.js';
import { groupNormOperation } from '../src/ops/norm/group-norm.js';
import { l2NormalizeOperation } from '../src/ops/norm/l2-normalize.js';
import { layerNormOperation, rmsNormOperation } from '../src/ops/norm/layer-norm.js';
import { sizeOf } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result } from './support/host.js';
import type { Random } from './support/random.js';

type Optional = Float64Array | undefined;

const native = loadReference<{
  groupNorm(
    x: Float64Array,
    weight: Optional,
    bias: Optional,
    scale: Optional,
    shift: Optional,
    samples: number,
    channels: number,
    spatial: number,
    groups: number,
    eps: number,
    centered: boolean,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
  l2Normalize(x: Float64Array, outer: number, axis: number, inner: number, eps: number): Float64Array;
  channelMoments(x: Float64Array, batch: number, channels: number, spatial: number): Float64Array;
  batchNorm(
    x: Float64Array,
    mean: Float64Array,
    variance: Float64Array,
    weight: Optional,
    bias: Optional,
    channels: number,
    spatial: number,
    eps: number,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
}>();

interface Affine {
  weight?: boolean;
  bias?: boolean;
  scale?: boolean;
  shift?: boolean;
  activation?: Activation;
  eps?: number;
  /** Mean of x, whose deviation is 1. */
  offset?: number;
}

interface Size extends Affine {
  shape: number[];
}

const stylization = { scale: true, shift: true, activation: 'silu' } as const;
const affine = { weight: true, bias: true } as const;
const everything = { ...affine, ...stylization } as const;

/** Few combinations, because each is a pipeline to compile. */
function randomOptions(fc: FastCheck, ...combinations: Affine[]): Arbitrary<Affine> {
  return fc
    .tuple(fc.constantFrom(...combinations), fc.constantFrom(0, 5))
    .map(([options, offset]) => ({ ...options, offset }));
}

/** Two axes or more, the last of them long enough that a relative bound on the whole means something. */
const randomShape = (fc: FastCheck) =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
      fc.integer({ min: 8, max: 140 }),
    )
    .map(([first, middle, last]) => [first, ...middle, last]);

function x(random: Random, shape: number[], offset = 0): HostTensor {
  return fill(shape, () => random.normal() + offset);
}

function operands(random: Random, size: Size, channels: number): Record<string, HostTensor | undefined> {
  const samples = size.shape.length > 1 ? size.shape[0]! : 1;
  return {
    x: x(random, size.shape, size.offset),
    weight: size.weight ? fill([channels], () => 1 + 0.3 * random.normal()) : undefined,
    bias: size.bias ? normal(random, [channels]) : undefined,
    scale: size.scale ? normal(random, [samples, channels], 0.3) : undefined,
    shift: size.shift ? normal(random, [samples, channels]) : undefined,
  };
}

function settings({ activation = 'none', eps }: Affine) {
  return { activation, negativeSlope: 0.2, ...(eps !== undefined && { eps }) };
}

/** Rows as samples of one group each; scale and shift are repeated for every row of a sample. */
function rowsReference(
  { x, weight, bias, scale, shift }: Record<string, HostTensor>,
  { activation, negativeSlope, eps = 1e-5 }: ReturnType<typeof settings> & { eps?: number },
  centered: boolean,
) {
  const channels = x!.shape.at(-1)!;
  const rows = x!.data.length / channels;
  const repeated = (style: HostTensor | undefined) => {
    if (!style) return undefined;
    const rowsEach = rows / style.shape[0]!;
    return Float64Array.from(
      { length: x!.data.length },
      (_, i) => style.data[Math.floor(i / channels / rowsEach) * channels + (i % channels)]!,
    );
  };
  const out = native.groupNorm(
    x!.data as Float64Array,
    weight?.data as Optional,
    bias?.data as Optional,
    repeated(scale),
    repeated(shift),
    rows,
    channels,
    1,
    1,
    eps,
    centered,
    activations.indexOf(activation),
    negativeSlope,
  );
  return { output: result(x!.shape, out) };
}

export const layerNormCases: CaseTable<Size> = {
  operation: layerNormOperation,
  sizes: [
    { shape: [1], ...affine },
    { shape: [33], ...affine, offset: 2 },
    { shape: [5, 1], ...affine },
    { shape: [2, 9, 64], ...affine },
    { shape: [2, 3, 7, 65], ...everything },
    { shape: [3, 257], ...stylization },
    { shape: [2, 700], offset: 1000 },
    { shape: [70, 8], bias: true, shift: true, activation: 'gelu', eps: 1e-3 },
    { shape: [2, 70000], offset: 10 },
  ],
  long: [
    { shape: [1, 1_000_003], offset: 1000 },
    { shape: [2, 499_999], offset: 1000 },
  ],
  random: (fc) =>
    fc
      .tuple(randomShape(fc), randomOptions(fc, affine, everything))
      .map(([shape, options]) => ({ shape, ...options })),
  benchmarks: [
    { shape: [1024, 512], ...affine },
    { shape: [1, 1792, 256], ...stylization },
    { shape: [32, 4096], ...affine },
  ],
  make: (size, random) => ({
    inputs: operands(random, size, size.shape.at(-1)!),
    options: settings(size),
  }),
  reference: (inputs, options) => rowsReference(inputs, options, true),
};

export const rmsNormCases: CaseTable<Size> = {
  operation: rmsNormOperation,
  sizes: [
    { shape: [1], weight: true, eps: 1 },
    { shape: [33], weight: true, offset: 2 },
    { shape: [2, 9, 64], weight: true },
    { shape: [3, 4, 129], weight: true, eps: 0.1 },
    { shape: [2, 5, 600], ...everything },
  ],
  long: [{ shape: [1, 1_000_003], offset: 1 }],
  random: (fc) =>
    fc
      .tuple(randomShape(fc), randomOptions(fc, { weight: true }))
      .map(([shape, options]) => ({ shape, ...options })),
  benchmarks: [{ shape: [256, 4096], weight: true }],
  make: (size, random) => ({
    inputs: operands(random, size, size.shape.at(-1)!),
    options: settings(size),
  }),
  reference: (inputs, options) => rowsReference(inputs, options, false),
};

interface GroupNormSize extends Size {
  groups: number;
}

export const groupNormCases: CaseTable<GroupNormSize> = {
  operation: groupNormOperation,
  sizes: [
    { shape: [2, 6], groups: 2, ...affine },
    { shape: [1, 4, 1, 1], groups: 1, ...affine },
    { shape: [2, 6, 7], groups: 3, ...affine },
    { shape: [2, 8, 5, 9], groups: 8, ...affine, offset: 3 },
    { shape: [3, 12, 16, 16], groups: 4, ...everything },
    { shape: [2, 32, 3, 3], groups: 32, ...stylization },
    { shape: [2, 10, 3, 2, 5], groups: 5, offset: 1000 },
    { shape: [1, 4, 512, 512], groups: 1, ...affine, offset: 3 },
  ],
  long: [
    { shape: [1, 2, 499_999], groups: 2, ...affine, offset: 1000 },
    { shape: [1, 3, 333_333], groups: 1, ...affine, offset: 1000 },
  ],
  random: (fc) =>
    fc
      .tuple(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 2, max: 9 }), { maxLength: 1 }),
        // Long enough: of a group of two the gradient is what cancellation leaves.
        fc.integer({ min: 8, max: 20 }),
        randomOptions(fc, affine, everything),
      )
      .map(([samples, groups, each, rows, columns, options]) => ({
        shape: [samples, groups * each, ...rows, columns],
        groups,
        ...options,
      })),
  benchmarks: [
    { shape: [1, 512, 64, 64], groups: 32, ...stylization },
    { shape: [16, 256, 75], groups: 32, ...affine },
    { shape: [1, 32, 256, 256], groups: 2, ...affine },
  ],
  make: (size, random) => ({
    inputs: operands(random, size, size.shape[1]!),
    options: { ...settings(size), groups: size.groups },
  }),
  reference: (
    { x, weight, bias, scale, shift },
    { activation, negativeSlope, eps = 1e-5 },
    { shape, groups },
  ) => {
    const [samples, channels, ...spatial] = shape as [number, number, ...number[]];
    const out = native.groupNorm(
      x.data,
      weight?.data,
      bias?.data,
      scale?.data,
      shift?.data,
      samples,
      channels,
      sizeOf(spatial),
      groups,
      eps,
      true,
      activations.indexOf(activation),
      negativeSlope,
    );
    return { output: result(shape, out) };
  },
};

interface L2Size {
  shape: number[];
  axis?: number;
  eps?: number;
  /** Elements are 0, and stay so. */
  zero?: boolean;
}

export const l2NormalizeCases: CaseTable<L2Size> = {
  operation: l2NormalizeOperation,
  sizes: [
    { shape: [1], eps: 10 },
    { shape: [7, 65] },
    // Two that are too large for a comparison of gradients: it is zero by cancellation, or beyond any difference.
    { shape: [6001, 1] },
    { shape: [1201, 5], zero: true },
    { shape: [2, 33, 6, 7], axis: 1 },
    { shape: [130, 9], axis: 0 },
    { shape: [4, 20, 3], axis: -2, eps: 10 },
    { shape: [2, 600] },
  ],
  long: [{ shape: [1_000_003] }, { shape: [499_999, 2], axis: 0 }],
  random: (fc) =>
    fc
      .tuple(randomShape(fc), fc.nat(1))
      .map(([shape, axis]) => ({ shape, axis: Math.min(axis, shape.length - 1) }))
      .filter(({ shape, axis }) => shape[axis]! > 1),
  benchmarks: [{ shape: [1, 512, 64, 64], axis: 1 }, { shape: [1024, 512] }],
  make: ({ shape, axis, eps, zero }, random) => ({
    inputs: { x: zero ? fill(shape, () => 0) : normal(random, shape) },
    options: { axis, eps },
  }),
  reference: ({ x }, { axis = -1, eps = 1e-12 }, { shape }) => {
    const at = (axis + shape.length) % shape.length;
    const [outer, inner] = [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at + 1))];
    return { output: result(shape, native.l2Normalize(x.data, outer, shape[at]!, inner, eps)) };
  },
};

const randomChannels = (fc: FastCheck) =>
  fc
    .tuple(
      fc.integer({ min: 2, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
    )
    .map(([batch, channels, spatial]) => [batch, channels, ...spatial]);

export const channelMomentsCases: CaseTable<{ shape: number[]; offset: number }> = {
  operation: channelMomentsOperation,
  sizes: [
    { shape: [2, 3], offset: 1 },
    { shape: [300, 5], offset: 1 },
    { shape: [4, 7, 3, 5], offset: 1 },
    { shape: [2, 3, 700], offset: 3 },
    { shape: [17, 9, 4, 4], offset: 1000 },
    { shape: [4, 1, 512, 512], offset: 3 },
  ],
  long: [
    { shape: [1, 1, 1_000_003], offset: 1000 },
    { shape: [499_999, 2], offset: 1000 },
    { shape: [20_001, 2, 25], offset: 1000 },
  ],
  random: (fc) => fc.record({ shape: randomChannels(fc), offset: fc.constantFrom(1, 7) }),
  benchmarks: [
    { shape: [32, 512, 64], offset: 1 },
    { shape: [4096, 256], offset: 1 },
  ],
  make: ({ shape, offset }, random) => ({ inputs: { x: x(random, shape, offset) } }),
  reference: ({ x }, _, { shape }) => {
    const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
    const moments = native.channelMoments(x.data, batch, channels, sizeOf(spatial));
    return {
      mean: result([channels], moments.slice(0, channels)),
      variance: result([channels], moments.slice(channels)),
    };
  },
};

export const batchNormCases: CaseTable<Size> = {
  operation: batchNormOperation,
  sizes: [
    { shape: [1, 1] },
    { shape: [5, 70], ...affine },
    { shape: [2, 3, 65], ...affine, activation: 'tanh' },
    { shape: [2, 3, 8, 8], weight: true, activation: 'leaky_relu', eps: 1e-3 },
    { shape: [3, 5, 100], bias: true },
  ],
  random: (fc) =>
    fc
      .tuple(randomChannels(fc), fc.record({ weight: fc.boolean(), bias: fc.boolean() }))
      .map(([shape, options]) => ({ shape, ...options })),
  benchmarks: [
    { shape: [16, 512, 64], ...affine, activation: 'tanh' },
    { shape: [1, 512, 64, 64], ...affine },
  ],
  make: (size, random) => {
    const channels = size.shape[1]!;
    const { x, weight, bias } = operands(random, size, channels);
    const mean = fixed(normal(random, [channels]));
    const variance = fixed(fill([channels], () => 0.1 + random.uniform()));
    return { inputs: { x, mean, variance, weight, bias }, options: settings(size) };
  },
  reference: ({ x, mean, variance, weight, bias }, { activation, negativeSlope, eps = 1e-5 }, { shape }) => {
    const out = native.batchNorm(
      x.data,
      mean.data,
      variance.data,
      weight?.data,
      bias?.data,
      shape[1]!,
      sizeOf(shape.slice(2)),
      eps,
      activations.indexOf(activation),
      negativeSlope,
    );
    return { output: result(shape, out) };
  },
};
