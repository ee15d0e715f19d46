import { loadReference } from '../native/index.js';
import { normGradientOperation, normParameters } from '../src/ops/norm/norm-gradient.js';
import {
  axisLayout,
  channelLayout,
  layoutCounts,
  type NormLayout,
  rowLayout,
  statistics,
} from '../src/ops/norm/norm-groups.js';
import { sizeOf } from '../src/tensor/shape.js';
import type { CaseTable } from './support/case-table.js';
import { fill, normal, result } from './support/host.js';

type Optional = Float64Array | undefined;

const native = loadReference<{
  normGradient(
    x: Float64Array,
    gradient: Float64Array,
    weight: Optional,
    bias: Optional,
    scale: Optional,
    layout: Uint32Array,
    eps: number,
    statistic: number,
  ): Float64Array;
}>();

interface Size {
  shape: number[];
  /** Of the channels (axis 1); rows of the last axis where absent. */
  groups?: number;
  /** An L2 normalization along that axis, which has no parameters. */
  axis?: number;
  statistic?: 'variance' | 'meanSquare';
  weight?: boolean;
  bias?: boolean;
  /** Scale and shift. */
  style?: boolean;
  eps?: number;
  /** Mean of x, whose deviation is 1. */
  offset?: number;
}

const affine = { weight: true, bias: true } as const;
const everything = { ...affine, style: true } as const;

function layoutOf({ shape, groups, axis }: Size): NormLayout {
  if (axis !== undefined) return axisLayout(shape, axis);
  return groups === undefined ? rowLayout(shape) : channelLayout(shape, groups);
}

export const normGradientCases: CaseTable<Size> = {
  operation: normGradientOperation,
  sizes: [
    { shape: [33], ...affine, offset: 2 },
    { shape: [9, 64], ...affine },
    { shape: [2, 40, 65], ...everything },
    { shape: [3, 37, 72], ...everything, statistic: 'meanSquare' },
    { shape: [300, 12], weight: true, statistic: 'meanSquare', offset: 1 },
    { shape: [2, 700], style: true, offset: 1000 },
    { shape: [2, 8, 5, 9], groups: 8, ...affine, offset: 3 },
    { shape: [3, 12, 16, 16], groups: 4, ...everything },
    { shape: [5, 32], groups: 2, ...everything },
    { shape: [2, 10, 3, 2, 5], groups: 5, offset: 1000 },
    { shape: [1, 4, 200, 200], groups: 1, ...affine },
    { shape: [7, 65], axis: 1 },
    { shape: [2, 33, 6, 7], axis: 1 },
    { shape: [4, 20, 3], axis: 1, eps: 10 },
  ],
  long: [
    { shape: [1_000_003], offset: 10 },
    { shape: [1, 3, 333_333], groups: 1, ...affine, offset: 10 },
    { shape: [100_003, 5], ...affine, offset: 10 },
  ],
  random: (fc) =>
    fc
      .record({
        samples: fc.integer({ min: 1, max: 3 }),
        groups: fc.integer({ min: 1, max: 4 }),
        each: fc.integer({ min: 4, max: 8 }),
        spatial: fc.integer({ min: 8, max: 90 }),
        rows: fc.boolean(),
        options: fc.constantFrom(affine, everything),
      })
      .map(({ samples, groups, each, spatial, rows, options }) => ({
        shape: [samples, groups * each, spatial],
        ...(!rows && { groups }),
        ...options,
      })),
  // The gradients of a few weights may all be small by cancellation.
  tolerance: 4,
  benchmarks: [
    { shape: [32, 64, 64, 16], groups: 8, ...everything },
    { shape: [32, 32, 16, 16], groups: 8, ...everything },
    { shape: [1024, 512], ...affine },
  ],
  make: (size, random) => {
    const layout = layoutOf(size);
    const { channels, samples } = layoutCounts(layout);
    const { shape, axis, offset = 0, style } = size;
    return {
      inputs: {
        x: fill(shape, () => random.normal() + offset),
        gradient: normal(random, shape),
        weight: size.weight ? fill([channels], () => 1 + 0.3 * random.normal()) : undefined,
        bias: size.bias ? normal(random, [channels]) : undefined,
        scale: style ? normal(random, [samples, channels], 0.3) : undefined,
      },
      options: {
        ...layout,
        statistic: axis === undefined ? (size.statistic ?? 'variance') : 'norm',
        eps: size.eps ?? 1e-5,
        wanted: normParameters.filter((name) => (name === 'scale' || name === 'shift' ? style : size[name])),
      },
    };
  },
  reference: ({ x, gradient, weight, bias, scale }, { statistic, eps, wanted, ...layout }) => {
    const { channels, samples } = layoutCounts(layout);
    const { groups, span, stride, spatial, channelGroups, sampleGroups } = layout as NormLayout;
    const all = native.normGradient(
      ...([x.data, gradient.data, weight?.data, bias?.data, scale?.data] as const),
      Uint32Array.of(groups, span, stride, spatial, channelGroups, sampleGroups),
      eps,
      statistics[statistic as keyof typeof statistics],
    );
    let end = 0;
    const outputs = [
      ['x', x.shape],
      ['weight', [channels]],
      ['bias', [channels]],
      ['scale', [samples, channels]],
      ['shift', [samples, channels]],
    ].map(([name, shape]) => {
      end += sizeOf(shape);
      return [name, result(shape, all.subarray(end - sizeOf(shape), end))];
    });
    return Object.fromEntries(outputs.filter(([name]) => name === 'x' || wanted.includes(name)));
  },
};
