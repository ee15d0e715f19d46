import { loadReference } from '../native/index.js';
import { windowedAttentionOperation } from '../src/ops/attention/windowed-attention.js';
import { windowedAttentionGradientOperation } from '../src/ops/attention/windowed-attention-gradient.js';
import type { CaseTable } from './support/case-table.js';
import { fill, type HostTensor, normal, result } from './support/host.js';
import { words } from './support/kinds.js';
import type { Random } from './support/random.js';

type Operands = [query: Float64Array, key: Float64Array, value: Float64Array];

const native = loadReference<{
  windowedAttention(...operands: [...Operands, sizes: Uint32Array]): Float64Array;
  windowedAttentionGradient(
    ...operands: [...Operands, gradient: Float64Array, sizes: Uint32Array]
  ): Float64Array;
}>();

interface Size {
  batch: number;
  channels: number;
  steps: number;
  taps: number;
  dilation?: number;
  /** All channels are the same, so that what rounding takes off does not cancel. */
  equal?: boolean;
}

/** With one tap the weights do not depend on the scores, whose gradient is zero. */
const severalTaps = ({ steps, taps, dilation = 1 }: Size) => taps > 1 && steps > dilation;

const shapeOf = ({ batch, channels, steps }: Size) => [batch, channels, steps];

const sizesOf = ({ batch, channels, steps, taps, dilation = 1 }: Size) =>
  words([batch, channels, steps, taps, dilation]);

const optionsOf = ({ taps, dilation }: Size) => ({ taps, ...(dilation && { dilation }) });

const drawn = (size: Size, random: Random): HostTensor =>
  size.equal ? fill(shapeOf(size), (i) => 0.02 * (1 + (i % size.steps))) : normal(random, shapeOf(size));

export const windowedAttentionCases: CaseTable<Size> = {
  operation: windowedAttentionOperation,
  constants: (size) => (severalTaps(size) ? [] : ['query', 'key']),
  sizes: [
    { batch: 1, channels: 1, steps: 1, taps: 1 },
    { batch: 2, channels: 17, steps: 5, taps: 1, dilation: 3 },
    { batch: 2, channels: 5, steps: 70, taps: 3 },
    { batch: 3, channels: 33, steps: 21, taps: 5, dilation: 4 },
    // The outer taps are outside for every query.
    { batch: 1, channels: 4, steps: 9, taps: 5, dilation: 128 },
    { batch: 1, channels: 100, steps: 20, taps: 7, dilation: 2 },
    // Two blocks of channels and a part of one.
    { batch: 1, channels: 600, steps: 3, taps: 3 },
    { batch: 1, channels: 3, steps: 50, taps: 31 },
  ],
  long: [{ batch: 1, channels: 200_003, steps: 3, taps: 3, equal: true }],
  random: (fc) =>
    fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 40 }),
      steps: fc.integer({ min: 1, max: 90 }),
      taps: fc.constantFrom(3, 5),
      dilation: fc.integer({ min: 1, max: 40 }),
    }),
  benchmarks: [
    { batch: 10, channels: 100, steps: 320, taps: 3 },
    { batch: 1, channels: 64, steps: 2048, taps: 5, dilation: 128 },
  ],
  make: (size, random) => ({
    inputs: { query: drawn(size, random), key: drawn(size, random), value: drawn(size, random) },
    options: optionsOf(size),
  }),
  reference: ({ query, key, value }, _, size) => ({
    output: result(query.shape, native.windowedAttention(query.data, key.data, value.data, sizesOf(size))),
  }),
};

export const windowedAttentionGradientCases: CaseTable<Size> = {
  ...windowedAttentionCases,
  operation: windowedAttentionGradientOperation,
  sizes: windowedAttentionCases.sizes.filter(severalTaps),
  random: (fc) => windowedAttentionCases.random(fc).filter(severalTaps),
  make: (size, random) => {
    const { inputs, options } = windowedAttentionCases.make(size, random);
    return { inputs: { ...inputs, gradient: drawn(size, random) }, options };
  },
  reference: ({ query, key, value, gradient }, _, size) => {
    const all = native.windowedAttentionGradient(
      query.data,
      key.data,
      value.data,
      gradient.data,
      sizesOf(size),
    );
    const count = query.data.length;
    const part = (i: number) => result(query.shape, all.subarray(i * count, (i + 1) * count));
    return { query: part(0), key: part(1), value: part(2) };
  },
};
