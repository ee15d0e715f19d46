import { loadReference } from '../native/index.js';
import {
  alphaBars,
  type BetaSchedule,
  betas,
  ddimCoefficients,
  ddimTimes,
  noiseRoots,
} from '../src/diffusion/schedule.js';
import { ddimStepOperation } from '../src/ops/diffusion/ddim.js';
import { qSampleOperation } from '../src/ops/diffusion/q-sample.js';
import { timeEmbeddingOperation } from '../src/ops/diffusion/time-embedding.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, normal, result, u32 } from './support/host.js';

const native = loadReference<{
  q_sample(
    x0: Float64Array,
    noise: Float64Array,
    t: Uint32Array,
    roots: Float64Array,
    batch: number,
    inner: number,
  ): Float64Array;
  ddim_step(
    x: Float64Array,
    predicted: Float64Array,
    noise: Float64Array | undefined,
    alphaBar: number,
    nextAlphaBar: number,
    eta: number,
    low: number,
    high: number,
    size: number,
  ): Float64Array;
  time_embedding(t: Uint32Array, batch: number, width: number, maxPeriod: number): Float64Array;
}>();

const schedules = (fc: FastCheck) => fc.constantFrom<BetaSchedule>('linear', 'cosine');

interface QSampleSize {
  shape: number[];
  schedule: BetaSchedule;
}

export const qSampleCases: CaseTable<QSampleSize> = {
  operation: qSampleOperation,
  sizes: [
    { shape: [1], schedule: 'linear' },
    { shape: [3, 7, 5], schedule: 'cosine' },
    { shape: [65, 64], schedule: 'linear' },
  ],
  random: (fc) =>
    fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      schedule: schedules(fc),
    }),
  benchmarks: [{ shape: [32, 112, 16], schedule: 'linear' }],
  make: ({ shape, schedule }, random) => {
    const roots = noiseRoots(alphaBars(betas(schedule)));
    return {
      inputs: {
        x0: fill(shape, () => random.uniform()),
        noise: normal(random, shape),
        // The first times, whose noise is smallest, are always among them.
        t: u32([shape[0]!], (b) => (b < 2 ? b : random.whole(0, 999))),
        roots: fixed(fill([1000, 2], (i) => roots[i]!)),
      },
    };
  },
  // The tables of a schedule are not learned.
  constants: () => ['roots'],
  reference: ({ x0, noise, t, roots }) => {
    const [batch] = x0.shape;
    const inner = x0.data.length / batch;
    return {
      output: result(x0.shape, native.q_sample(x0.data, noise.data, t.data, roots.data, batch, inner)),
    };
  },
};

interface DdimSize {
  size: number;
  schedule: BetaSchedule;
  /** S steps, of which this is the one taken. */
  steps: number;
  step: number;
  eta: number;
  clamp?: [number, number];
}

export const ddimStepCases: CaseTable<DdimSize> = {
  operation: ddimStepOperation,
  sizes: [
    { size: 1, steps: 1, step: 0, eta: 0, schedule: 'linear' },
    { size: 1000, steps: 50, step: 0, eta: 0, schedule: 'linear', clamp: [0, 1] },
    { size: 63, steps: 25, step: 12, eta: 1, schedule: 'cosine' },
    { size: 65, steps: 25, step: 24, eta: 1, schedule: 'cosine', clamp: [-0.5, 0.5] },
    { size: 64, steps: 1000, step: 998, eta: 0.5, schedule: 'linear' },
  ],
  random: (fc) =>
    fc
      .record({
        size: fc.integer({ min: 1, max: 400 }),
        schedule: schedules(fc),
        steps: fc.integer({ min: 1, max: 60 }),
        at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        eta: fc.constantFrom(0, 0.3, 1),
        clamp: fc.option(fc.constant<[number, number]>([0, 1]), { nil: undefined }),
      })
      .map(({ at, clamp, ...size }) => ({
        ...size,
        step: Math.floor(at * size.steps),
        ...(clamp && { clamp }),
      })),
  benchmarks: [{ size: 32 * 112 * 16, steps: 50, step: 3, eta: 1, schedule: 'linear', clamp: [0, 1] }],
  make: ({ size, schedule, steps, step, eta, clamp }, random) => {
    const coefficients = ddimCoefficients(alphaBars(betas(schedule)), ddimTimes(1000, steps), eta);
    return {
      inputs: {
        x: normal(random, [size]),
        predicted: normal(random, [size]),
        ...(eta > 0 && { noise: normal(random, [size]) }),
        coefficients: fixed(fill([steps, 3], (i) => coefficients[i]!)),
        step: u32([1], () => step),
      },
      options: { ...(clamp && { clamp }) },
    };
  },
  reference: ({ x, predicted, noise }, { clamp }, { size, schedule, steps, step, eta }) => {
    const alphaBar = alphaBars(betas(schedule));
    const times = ddimTimes(1000, steps);
    const next = step + 1 < steps ? alphaBar[times[step + 1]!]! : 1;
    const [low, high] = clamp ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const now = alphaBar[times[step]!]!;
    return {
      output: result(
        [size],
        native.ddim_step(x.data, predicted.data, noise?.data, now, next, eta, low, high, size),
      ),
    };
  },
};

interface TimeEmbeddingSize {
  batch: number;
  width: number;
  maxPeriod?: number;
}

export const timeEmbeddingCases: CaseTable<TimeEmbeddingSize> = {
  operation: timeEmbeddingOperation,
  sizes: [
    { batch: 1, width: 2 },
    { batch: 3, width: 7 },
    { batch: 20, width: 512 },
    { batch: 5, width: 33, maxPeriod: 100 },
  ],
  random: (fc) =>
    fc.record({ batch: fc.integer({ min: 1, max: 20 }), width: fc.integer({ min: 2, max: 200 }) }),
  storages: ['f32'],
  // t f_i is rounded to f32, at t = 999 to 3e-5 of a radian, and WGSL promises exp2 only to some 3 ulp.
  tolerance: 30,
  make: ({ batch, width, maxPeriod }, random) => ({
    inputs: { t: u32([batch], (b) => (b < 2 ? b * 999 : random.whole(0, 999))) },
    options: { width, ...(maxPeriod && { maxPeriod }) },
  }),
  reference: ({ t }, { width, maxPeriod = 10_000 }) => ({
    output: result([t.data.length, width], native.time_embedding(t.data, t.data.length, width, maxPeriod)),
  }),
};
