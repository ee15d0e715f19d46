import { loadReference } from '../native/index.js';
import { decodeMomentsOperation } from '../src/ops/iou-map/decode-moments.js';
import { lowestScore } from '../src/ops/iou-map/merge-maps.js';
import type { CaseTable } from './support/case-table.js';
import { fill, fixed, result } from './support/host.js';

const native = loadReference<{
  decode_moments(
    scores: Float64Array,
    units: Float64Array,
    batch: number,
    clips: number,
    count: number,
    threshold: number,
    lowest: number,
  ): Float64Array;
}>();

interface Size {
  batch: number;
  clips: number;
  count: number;
  threshold: number;
  /** Scores are whole numbers, with many equal ones. */
  ties: boolean;
  /** Seconds a clip; 0: another for each video. */
  unit: number;
  /** Share of the cells that hold no moment, beside those that end after the video. */
  absent: number;
}

export const decodeMomentsCases: CaseTable<Size> = {
  operation: decodeMomentsOperation,
  sizes: [
    { batch: 1, clips: 1, count: 1, threshold: 0.49, ties: false, unit: 1, absent: 0 },
    { batch: 2, clips: 6, count: 8, threshold: 0.5, ties: true, unit: 5, absent: 0 },
    { batch: 3, clips: 64, count: 5, threshold: 0.49, ties: false, unit: 0, absent: 0.5 },
    { batch: 2, clips: 65, count: 200, threshold: 0.7, ties: true, unit: 0.64, absent: 0 },
    { batch: 2, clips: 15, count: 150, threshold: 1, ties: false, unit: 1, absent: 0.2 },
    { batch: 2, clips: 33, count: 60, threshold: 0, ties: false, unit: 1, absent: 0 },
    { batch: 3, clips: 9, count: 4, threshold: 0.49, ties: false, unit: 1, absent: 1 },
  ],
  random: (fc) =>
    fc.record({
      batch: fc.integer({ min: 1, max: 4 }),
      clips: fc.integer({ min: 1, max: 80 }),
      count: fc.integer({ min: 1, max: 30 }),
      threshold: fc.constantFrom(0, 0.3, 0.49, 0.5, 0.7, 1),
      ties: fc.boolean(),
      unit: fc.constantFrom(0, 0.64, 2),
      absent: fc.constantFrom(0, 0.4, 0.95),
    }),
  benchmarks: [
    { batch: 16, clips: 64, count: 5, threshold: 0.49, ties: false, unit: 1, absent: 0.6 },
    { batch: 4, clips: 512, count: 10, threshold: 0.49, ties: false, unit: 1, absent: 0.6 },
  ],
  make: ({ batch, clips, count, threshold, ties, unit, absent }, random) => ({
    inputs: {
      scores: fill([batch, clips, clips], (cell) => {
        const start = Math.floor(cell / clips) % clips;
        if (start + (cell % clips) >= clips || random.uniform() < absent) return lowestScore.f32;
        return ties ? random.whole(-2, 2) : random.normal();
      }),
      ...(unit === 0 && { units: fixed(fill([batch], () => 0.5 + 3 * random.uniform())) }),
    },
    options: { count, threshold, ...(unit > 0 && { unit }) },
  }),
  reference: ({ scores, units }, { count, threshold }, { batch, clips, unit }) => {
    // The lowest f32 is minus infinity in f16: cells without a moment all the same.
    const data = native.decode_moments(
      scores.data,
      units?.data ?? new Float64Array(batch).fill(Math.fround(unit)),
      batch,
      clips,
      count,
      threshold,
      lowestScore.f16,
    );
    const width = count * 3 + 1;
    const moments = data.filter((_, i) => i % width < width - 1);
    const counts = Uint32Array.from({ length: batch }, (_, b) => data[(b + 1) * width - 1]!);
    return { moments: result([batch, count, 3], moments), counts: result([batch], counts) };
  },
};
