import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadReference } from '../../native/index.js';
import { type MapLayout, mapRows } from '../../src/ops/map-layout.js';
import { lowestScore, mergeMapsOperation } from '../../src/ops/merge-maps.js';
import type { CaseTable } from '../support/case-table.js';
import { normal, u32 } from '../support/host.js';
import { layouts } from './iou-map.js';

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
  random: fc
    .tuple(
      layouts,
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
  // Nothing is computed but maxima, so every cell is exact; and beside the lowest score, a relative error
  // would see no other.
  verify: ({ merged }, { maps, lengths }, { initial }, { batch, clips, scales, durations }) => {
    const lowest = lowestScore[merged!.kind === 'float' ? 'f16' : 'f32'];
    const expected = native.merge_maps(
      maps.data,
      lengths?.data,
      batch,
      clips,
      scales,
      durations,
      initial ?? lowest,
    );
    assert.deepEqual(merged!.shape, [batch, clips, clips]);
    assert.deepEqual(merged!.data, expected);
  },
};
