import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { iouMapOperation } from '../src/ops/iou-map/iou-map.js';
import type { MapLayout } from '../src/ops/iou-map/map-layout.js';
import { mapRows } from '../src/ops/iou-map/map-layout.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, result, u32 } from './support/host.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  iou_map(
    spans: Float64Array | undefined,
    spanCounts: Uint32Array | undefined,
    most: number,
    lengths: Uint32Array,
    units: Float64Array,
    batch: number,
    clips: number,
    scales: number,
    durations: number,
  ): Float64Array;
}>();

interface Size extends MapLayout {
  batch: number;
  /** Spans of the video that has most; 0: the mask alone. */
  spans: number;
  /** Seconds a clip; 0: another for each video. */
  unit: number;
}

/** Layouts of every kind, durations that no longer fit into the video included. */
export const layouts = (fc: FastCheck): Arbitrary<MapLayout> =>
  fc
    .record({
      clips: fc.integer({ min: 1, max: 40 }),
      scales: fc.integer({ min: 1, max: 4 }),
      durations: fc.integer({ min: 1, max: 12 }),
    })
    .map(({ clips, scales, durations }) => ({
      clips: Math.max(clips, 2 ** (scales - 1)),
      scales,
      durations,
    }));

/** Spans (batch, most, 2) in seconds, with one that lasts no time and some beyond the end of the video. */
export function randomSpans(random: Random, batch: number, most: number, seconds: number) {
  const spans = fixed(fill([batch, most, 2], () => (random.uniform() * 1.2 - 0.05) * seconds));
  for (let i = 0; i < spans.data.length; i += 2) {
    const [a, b] = [spans.data[i]!, spans.data[i + 1]!];
    spans.data[i] = Math.min(a, b);
    spans.data[i + 1] = i === 2 ? spans.data[i]! : Math.max(a, b);
  }
  return spans;
}

export const iouMapCases: CaseTable<Size> = {
  operation: iouMapOperation,
  sizes: [
    { batch: 1, clips: 1, scales: 1, durations: 1, spans: 1, unit: 1 },
    { batch: 2, clips: 6, scales: 2, durations: 3, spans: 2, unit: 5 },
    { batch: 3, clips: 64, scales: 3, durations: 16, spans: 4, unit: 0.64 },
    { batch: 5, clips: 37, scales: 4, durations: 11, spans: 3, unit: 0 },
    { batch: 4, clips: 20, scales: 2, durations: 30, spans: 0, unit: 0 },
  ],
  random: (fc) =>
    fc
      .tuple(
        layouts(fc),
        fc.record({
          batch: fc.integer({ min: 1, max: 6 }),
          spans: fc.integer({ min: 0, max: 5 }),
          unit: fc.constantFrom(0, 0.64, 3),
        }),
      )
      .map(([layout, rest]) => ({ ...layout, ...rest })),
  benchmarks: [{ batch: 32, clips: 512, scales: 5, durations: 32, spans: 4, unit: 1 }],
  storages: ['f32'],
  // The ends of a late, short moment are rounded to the digits of its time in the video.
  tolerance: 10,
  make: ({ batch, spans, unit, ...layout }, random) => ({
    inputs: {
      ...(spans > 0 && {
        spans: randomSpans(random, batch, spans, layout.clips * (unit || 2)),
        spanCounts: u32([batch], () => random.whole(0, spans + 1)),
      }),
      // Empty, short, full and over-long videos.
      lengths: u32([batch], () => random.whole(0, layout.clips + 2)),
      ...(unit === 0 && { units: fixed(fill([batch], () => 0.5 + 3 * random.uniform())) }),
    },
    options: { layout, ...(unit > 0 && { unit }) },
  }),
  reference: ({ spans, spanCounts, lengths, units }, _, size) => {
    const { batch, clips, scales, durations } = size;
    const unit = units?.data ?? new Float64Array(batch).fill(Math.fround(size.unit));
    const both = native.iou_map(
      spans?.data,
      spanCounts?.data,
      size.spans,
      lengths.data,
      unit,
      batch,
      clips,
      scales,
      durations,
    );
    const shape = [batch, mapRows({ clips, scales, durations }), durations];
    const mask = result(shape, both.slice(both.length / 2));
    return spans ? { map: result(shape, both.slice(0, both.length / 2)), mask } : { mask };
  },
};
