import assert from 'node:assert/strict';
import { loadReference } from '../native/index.js';
import { type MapLayout, mapRows } from '../src/ops/iou-map/map-layout.js';
import { lowestScore, mergeMapsOperation } from '../src/ops/iou-map/merge-maps.js';
import { layouts } from './iou-map.js';
import type { CaseTable, HostTensors } from './support/case-table.js';
import { type HostTensor, normal, result, u32 } from './support/host.js';

const native = loadReference<{
  merge_maps(
    maps: Float64Array,
    lengths: Uint32Array | undefined,
    batch: number,
    clips: number,
    scales: number,
    durations: number,
    initial: number,
  ): Float64Array;
}>();

interface Size extends MapLayout {
  batch: number;
  lengths: boolean;
  /** Start from 0 instead of the lowest score. */
  fromZero: boolean;
}

export const mergeMapsCases: CaseTable<Size> = {
  operation: mergeMapsOperation,
  sizes: [
    { batch: 1, clips: 1, scales: 1, durations: 1, lengths: false, fromZero: true },
    { batch: 2, clips: 6, scales: 2, durations: 3, lengths: true, fromZero: true },
    { batch: 3, clips: 64, scales: 3, durations: 16, lengths: true, fromZero: false },
    { batch: 1, clips: 21, scales: 3, durations: 30, lengths: false, fromZero: false },
  ],
  random: (fc) =>
    fc
      .tuple(
        layouts(fc),
        fc.record({ batch: fc.integer({ min: 1, max: 4 }), lengths: fc.boolean(), fromZero: fc.boolean() }),
      )
      .map(([layout, rest]) => ({ ...layout, ...rest })),
  benchmarks: [{ batch: 32, clips: 512, scales: 5, durations: 32, lengths: true, fromZero: false }],
  make: ({ batch, lengths, fromZero, ...layout }, random) => ({
    inputs: {
      maps: normal(random, [batch, mapRows(layout), layout.durations]),
      ...(lengths && { lengths: u32([batch], () => random.whole(0, layout.clips + 2)) }),
    },
    options: { layout, ...(fromZero && { initial: 0 }) },
  }),
  reference: () => ({}),
  selfTestAnswers: (inputs, options, size) => ({ merged: merge(inputs, options, size, lowestScore.f32) }),
  // Nothing is computed but maxima, so every cell is exact; and beside the lowest score, a relative error
  // would see no other.
  verify({ merged }, inputs, options, size) {
    const lowest = lowestScore[merged!.kind === 'float' ? 'f16' : 'f32'];
    const expected = merge(inputs, options, size, lowest);
    assert.deepEqual(merged!.shape, expected.shape);
    assert.deepEqual(merged!.data, expected.data);
  },
};

function merge(
  { maps, lengths }: HostTensors,
  { initial }: { initial?: number },
  { batch, clips, scales, durations }: Size,
  lowest: number,
): HostTensor {
  const merged = native.merge_maps(
    maps!.data as Float64Array,
    lengths?.data as Uint32Array | undefined,
    batch,
    clips,
    scales,
    durations,
    initial ?? lowest,
  );
  return result([batch, clips, clips], merged);
}
