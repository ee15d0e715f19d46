import { loadReference } from '../native/index.js';
import { adamwStepOperation } from '../src/ops/optim/adamw-step.js';
import { clipFactorOperation, squaredPartsOperation } from '../src/ops/optim/gradient-norm.js';
import { sgdStepOperation } from '../src/ops/optim/sgd-step.js';
import type { Shape } from '../src/tensor/shape.js';
import type { CaseTable } from './support/case-table.js';
import { fill, type HostTensor, normal, result } from './support/host.js';
import type { Random } from './support/random.js';

type Doubles = Float64Array;

const native = loadReference<{
  adamwStep(
    ...operands: [Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, options: Doubles]
  ): [Doubles, Doubles, Doubles, Doubles];
  sgdStep(
    ...operands: [Doubles, Doubles, Doubles, Doubles, Doubles, options: Doubles, nesterov: boolean]
  ): [Doubles, Doubles];
  squaredParts(gradient: Doubles, squares: Doubles, first: number, parts: number): Doubles;
  clipFactor(square: Doubles, largest: Doubles): Doubles;
}>();

interface StepSize {
  shape: Shape;
  /** Whether nothing is to change. */
  stopped?: boolean;
  decay?: number;
}

const shapes: readonly Shape[] = [[1], [63], [65], [7, 13], [3, 5, 128], [20_000]];

const scalar = (value: number): HostTensor => fill([1], () => value);
const positiveNormal = (random: Random, shape: Shape) => fill(shape, () => 0.01 + random.normal() ** 2);

interface AdamwSize extends StepSize {
  averaged?: boolean;
  /** Counted from 0. */
  step?: number;
}

export const adamwStepCases: CaseTable<AdamwSize> = {
  operation: adamwStepOperation,
  storages: ['f32'],
  sizes: [
    ...shapes.map((shape, i) => ({ shape, averaged: i % 2 === 0, decay: i % 3 === 0 ? 0.1 : 0, step: i })),
    { shape: [130], stopped: true, averaged: true },
    { shape: [130], step: 10_000, decay: 0.01, averaged: true },
  ],
  random: (fc) =>
    fc.record({
      shape: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
      averaged: fc.boolean(),
      decay: fc.constantFrom(0, 0.01, 0.3),
      step: fc.integer({ min: 0, max: 1000 }),
    }),
  benchmarks: [{ shape: [1024, 1024], averaged: true, decay: 0.01 }],
  make: ({ shape, stopped = false, averaged = false, decay = 0, step = 0 }, random) => {
    const [beta1, beta2] = [0.9, 0.999];
    const schedule = [1e-3, 1 / (1 - beta1 ** (step + 1)), 1 / (1 - beta2 ** (step + 1))];
    return {
      inputs: {
        gradient: normal(random, shape),
        schedule: fill([3], (i) => schedule[i]!),
        clip: scalar(stopped ? 0 : 0.5),
        weight: normal(random, shape),
        first: normal(random, shape),
        second: positiveNormal(random, shape),
        average: averaged ? normal(random, shape) : undefined,
      },
      options: { beta1, beta2, eps: 1e-8, decay, keep: 0.99 },
    };
  },
  reference: (
    { gradient, schedule, clip, weight, first, second, average },
    { beta1, beta2, eps, decay, keep },
  ) => {
    const options = Float64Array.of(beta1, beta2, eps, decay, keep);
    const all = native.adamwStep(
      ...([gradient, schedule, clip, weight, first, second, average ?? weight].map(
        ({ data }) => data,
      ) as unknown as [Doubles, Doubles, Doubles, Doubles, Doubles, Doubles, Doubles]),
      options,
    );
    const [w, m, v, a] = all.map((data) => result(weight.shape, data)) as [
      HostTensor,
      HostTensor,
      HostTensor,
      HostTensor,
    ];
    return { weight: w, first: m, second: v, ...(average && { average: a }) };
  },
};

interface SgdSize extends StepSize {
  momentum?: number;
  nesterov?: boolean;
}

export const sgdStepCases: CaseTable<SgdSize> = {
  operation: sgdStepOperation,
  storages: ['f32'],
  sizes: [
    ...shapes.map((shape, i) => ({ shape, decay: i % 3 === 0 ? 0.1 : 0 })),
    ...shapes.map((shape, i) => ({ shape, momentum: 0.9, nesterov: i % 2 === 0, decay: 0.01 })),
    { shape: [130], stopped: true, momentum: 0.9 },
  ],
  random: (fc) =>
    fc.record({
      shape: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
      momentum: fc.constantFrom(0.5, 0.9),
      nesterov: fc.boolean(),
      decay: fc.constantFrom(0, 0.01, 0.3),
    }),
  benchmarks: [{ shape: [1024, 1024], momentum: 0.9 }],
  make: ({ shape, stopped = false, momentum = 0, nesterov = false, decay = 0 }, random) => ({
    inputs: {
      gradient: normal(random, shape),
      rate: scalar(0.01),
      clip: scalar(stopped ? 0 : 0.5),
      weight: normal(random, shape),
      velocity: momentum > 0 ? normal(random, shape) : undefined,
    },
    options: { momentum, nesterov, decay },
  }),
  reference: ({ gradient, rate, clip, weight, velocity }, { momentum, nesterov, decay }) => {
    const old = velocity?.data ?? new Float64Array(weight.data.length);
    const options = Float64Array.of(momentum, decay);
    const [w, b] = native.sgdStep(gradient.data, rate.data, clip.data, weight.data, old, options, nesterov);
    return { weight: result(weight.shape, w), ...(velocity && { velocity: result(weight.shape, b) }) };
  },
};

interface SquaredPartsSize {
  count: number;
  parts: number;
  first: number;
  /** Parts in all. */
  size: number;
}

export const squaredPartsCases: CaseTable<SquaredPartsSize> = {
  operation: squaredPartsOperation,
  storages: ['f32'],
  sizes: [
    { count: 1, parts: 1, first: 0, size: 1 },
    { count: 130, parts: 3, first: 2, size: 9 },
    { count: 5, parts: 8, first: 1, size: 10 },
    { count: 20_001, parts: 313, first: 7, size: 320 },
  ],
  long: [{ count: 1_000_003, parts: 2, first: 1, size: 3 }],
  random: (fc) =>
    fc.record({
      count: fc.integer({ min: 1, max: 3000 }),
      parts: fc.integer({ min: 1, max: 70 }),
      first: fc.integer({ min: 0, max: 5 }),
      size: fc.constant(80),
    }),
  benchmarks: [{ count: 2 ** 20, parts: 4096, first: 0, size: 4096 }],
  make: ({ count, parts, first, size }, random) => ({
    // Long ones are equal, so that what rounding takes off does not cancel.
    inputs: {
      gradient: fill([count], count > 100_000 ? () => 0.3 : () => random.normal()),
      squares: normal(random, [size]),
    },
    options: { first, parts },
  }),
  reference: ({ gradient, squares }, { first, parts }) => ({
    squares: result(squares.shape, native.squaredParts(gradient.data, squares.data, first, parts)),
  }),
};

interface ClipFactorSize {
  square: number;
  largest: number;
}

export const clipFactorCases: CaseTable<ClipFactorSize> = {
  operation: clipFactorOperation,
  storages: ['f32'],
  sizes: [
    ...[0, 0.25, 4, 1e20].map((square) => ({ square, largest: 1 })),
    ...[Number.POSITIVE_INFINITY, Number.NaN].map((square) => ({ square, largest: 1 })),
    { square: 4, largest: 3e38 },
  ],
  random: (fc) =>
    fc.record({
      square: fc.double({ min: 0, max: 100, noNaN: true }),
      largest: fc.double({ min: 0.01, max: 10, noNaN: true }),
    }),
  make: ({ square, largest }) => ({ inputs: { square: scalar(square) }, options: { largest } }),
  reference: ({ square }, { largest }) => ({
    clip: result([1], native.clipFactor(square.data, Float64Array.of(largest))),
  }),
};
