import { loadReference } from '../native/index.js';
import { batchNormGradientOperation } from '../src/ops/norm/batch-norm-gradient.js';
import { channelMomentsGradientOperation } from '../src/ops/norm/channel-moments-gradient.js';
import { sizeOf } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, normal, result } from './support/host.js';

type Optional = Float64Array | undefined;

const native = loadReference<{
  batchNormGradient(
    x: Float64Array,
    gradient: Float64Array,
    mean: Float64Array,
    variance: Float64Array,
    weight: Optional,
    channels: number,
    spatial: number,
    eps: number,
  ): Float64Array;
  channelMomentsGradient(
    x: Float64Array,
    mean: Float64Array,
    meanGradient: Optional,
    varianceGradient: Optional,
    channels: number,
    spatial: number,
  ): Float64Array;
}>();

const randomShape = (fc: FastCheck) =>
  fc
    .tuple(
      fc.integer({ min: 2, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
    )
    .map(([batch, channels, spatial]) => [batch, channels, ...spatial]);

interface Size {
  shape: number[];
  weight?: boolean;
  /** Equal gradients, so that what rounding takes off does not cancel, and so small that halves hold their sums. */
  long?: boolean;
}

export const batchNormGradientCases: CaseTable<Size> = {
  operation: batchNormGradientOperation,
  sizes: [
    { shape: [1, 1] },
    { shape: [300, 7], weight: true },
    { shape: [2, 3, 65], weight: true },
    { shape: [3, 5, 30, 20] },
    { shape: [4, 2, 100, 100], weight: true },
  ],
  long: [
    { shape: [1, 1, 1_000_003], weight: true },
    { shape: [20_001, 2, 25], weight: true },
  ].map((size) => ({ ...size, long: true })),
  random: (fc) => fc.record({ shape: randomShape(fc), weight: fc.boolean() }),
  benchmarks: [
    { shape: [16, 512, 64], weight: true },
    { shape: [4, 64, 64, 64], weight: true },
  ],
  make: ({ shape, weight, long }, random) => {
    const channels = shape[1]!;
    return {
      inputs: {
        // Away from 0, as is the gradient, so that sums are not small by cancellation.
        x: fill(shape, () => 1 + random.normal()),
        gradient: fill(shape, () => (long ? 0.007 : 0.1 * (1 + random.normal()))),
        mean: fixed(normal(random, [channels], 0.2)),
        variance: fixed(fill([channels], () => 0.1 + random.uniform())),
        weight: weight ? fill([channels], () => 1 + 0.3 * random.normal()) : undefined,
      },
      options: { eps: 1e-5 },
    };
  },
  reference: ({ x, gradient, mean, variance, weight }, { eps }, { shape }) => {
    const [, channels, ...spatial] = shape as [number, number, ...number[]];
    const all = native.batchNormGradient(
      ...([x.data, gradient.data, mean.data, variance.data, weight?.data] as const),
      channels,
      sizeOf(spatial),
      eps,
    );
    return Object.fromEntries(
      ['mean', 'variance', 'weight', 'bias'].map((name, i) => [
        name,
        result([channels], all.subarray(i * channels, (i + 1) * channels)),
      ]),
    );
  },
};

interface MomentsSize {
  shape: number[];
  of: 'mean' | 'variance' | 'both';
}

export const channelMomentsGradientCases: CaseTable<MomentsSize> = {
  operation: channelMomentsGradientOperation,
  sizes: [
    { shape: [1, 1], of: 'mean' },
    { shape: [30, 7], of: 'both' },
    { shape: [2, 3, 65], of: 'variance' },
    { shape: [3, 5, 4, 17], of: 'both' },
  ],
  random: (fc) =>
    fc.record({ shape: randomShape(fc), of: fc.constantFrom<MomentsSize['of'][]>('mean', 'both') }),
  benchmarks: [{ shape: [16, 512, 64], of: 'both' }],
  make: ({ shape, of }, random) => {
    const channels = shape[1]!;
    const perChannel = () => fixed(normal(random, [channels]));
    return {
      inputs: {
        x: normal(random, shape),
        mean: perChannel(),
        meanGradient: of === 'variance' ? undefined : perChannel(),
        varianceGradient: of === 'mean' ? undefined : perChannel(),
      },
    };
  },
  reference: ({ x, mean, meanGradient, varianceGradient }, _, { shape }) => {
    const [, channels, ...spatial] = shape as [number, number, ...number[]];
    const out = native.channelMomentsGradient(
      ...([x.data, mean.data, meanGradient?.data, varianceGradient?.data] as const),
      channels,
      sizeOf(spatial),
    );
    return { output: result(shape, out) };
  },
};
