// What must hold of maps, their merging and their decoding together, whatever the kernels do inside.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { layouts } from '../../cases/iou-map.js';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { decodeMoments, decodeMomentsOperation } from '../../src/ops/iou-map/decode-moments.js';
import { iouMap, mapMask } from '../../src/ops/iou-map/iou-map.js';
import { mapRows, mapScales } from '../../src/ops/iou-map/map-layout.js';
import { lowestScore, mergeMaps } from '../../src/ops/iou-map/merge-maps.js';
import { type Segment, temporalIoU } from '../../src/time/segment.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const seed = Number(process.env.TAL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const few = { seed, numRuns: 12 };
const { f32: lowest } = lowestScore;

/** A layout, a video's length in it, seconds a clip and a seed of spans. */
const videos = fc.record({
  layout: layouts(fc),
  share: fc.double({ min: 0.2, max: 1, noNaN: true }),
  unit: fc.constantFrom(1, 0.64, 5),
  data: fc.nat(),
});

describe(`maps of moments (seed ${seed})`, () => {
  it('the first moment of a ground-truth map is a candidate of the highest IoU', () =>
    fc.assert(
      fc.asyncProperty(videos, async ({ layout, share, unit, data }) => {
        const random = new Random(data);
        const length = Math.max(1, Math.round(share * layout.clips));
        const spans = Array.from({ length: 2 }, () => {
          const [a, b] = [random.uniform(), random.uniform()].map((x) => Math.fround(x * length * unit));
          return [Math.min(a!, b!), Math.max(a!, b!)] as const;
        });
        const best = (segment: Segment) => Math.max(...spans.map((span) => temporalIoU(segment, span)));
        let highest = 0;
        for (const { stride, rows } of mapScales(layout)) {
          for (let start = 0; start < rows; start++) {
            for (let j = 0; j < layout.durations; j++) {
              const end = (start + j + 1) * stride;
              if (end <= Math.max(length, stride) && end <= layout.clips)
                highest = Math.max(highest, best([start * stride * unit, end * unit]));
            }
          }
        }

        const lengths = runtime.tensor([length], [1], 'u32');
        const { map } = iouMap(
          {
            spans: runtime.tensor(spans.flat(), [1, 2, 2]),
            spanCounts: runtime.tensor([2], [1], 'u32'),
            lengths,
            unit,
          },
          layout,
        );
        const { moments, counts } = decodeMoments(mergeMaps(map, { ...layout, lengths }), { unit, count: 1 });
        const [start, end, score] = (await moments.read()) as unknown as [number, number, number];
        assert.equal((await counts.read())[0], 1);
        assert.ok(Math.abs(score - highest) < 1e-5, `score ${score}, highest IoU ${highest}`);
        assert.ok(Math.abs(best([start, end]) - score) < 1e-5, `[${start}, ${end}] is not of IoU ${score}`);
      }),
      few,
    ));

  it('a span that is a candidate comes first, with IoU 1', async () => {
    const layout = { clips: 64, scales: 3, durations: 16 };
    const lengths = runtime.tensor([64, 50, 64], [3], 'u32');
    const unit = runtime.tensor([0.5, 2, 0.64]);
    const spans = [3, 3.5, 48, 100, 40 * 0.64, 48 * 0.64];
    const { map } = iouMap(
      {
        spans: runtime.tensor(spans, [3, 1, 2]),
        spanCounts: runtime.tensor([1, 1, 1], [3], 'u32'),
        lengths,
        unit,
      },
      layout,
    );
    const { moments } = decodeMoments(mergeMaps(map, { ...layout, lengths }), { unit, count: 1 });
    const expected = [0, 1, 2].flatMap((b) => [spans[2 * b]!, spans[2 * b + 1]!, 1]);
    assert.ok(relativeError(await moments.read(), expected) < 1e-6);
  });

  it('the merged map is the map of one scale that has every duration, where a scale covers it', () =>
    fc.assert(
      fc.asyncProperty(videos, async ({ layout, unit, data }) => {
        const { clips } = layout;
        const random = new Random(data);
        const start = random.uniform() * clips * unit;
        const operands = {
          spans: runtime.tensor([start, start + random.uniform() * clips * unit], [1, 1, 2]),
          spanCounts: runtime.tensor([1], [1], 'u32'),
          lengths: runtime.tensor([clips], [1], 'u32'),
          unit,
        };
        const merged = await mergeMaps(iouMap(operands, layout).map, {
          ...layout,
          lengths: operands.lengths,
        }).read();
        const every = await iouMap(operands, { clips, scales: 1, durations: clips }).map.read();
        const covered = mergedCells(layout);
        merged.forEach((value, cell) => {
          if (covered.has(cell)) assert.ok(Math.abs(value - every[cell]!) < 1e-6);
          else assert.equal(value, lowest);
        });
      }),
      few,
    ));

  it('no two moments that are kept overlap by more than the threshold', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 40 }),
        fc.constantFrom(0, 0.3, 0.49, 0.7),
        fc.nat(),
        async (clips, threshold, data) => {
          const random = new Random(data);
          const scores = Float32Array.from({ length: clips * clips }, (_, cell) =>
            Math.floor(cell / clips) + (cell % clips) < clips ? random.normal() : lowest,
          );
          using map = runtime.tensor(scores, [1, clips, clips]);
          for (const { name: variant } of decodeMomentsOperation.spec.variants) {
            const { moments, counts } = decodeMomentsOperation.run(
              { scores: map },
              { count: 50, threshold },
              { variant },
            );
            const flat = await moments.read();
            const kept = (await counts.read())[0]!;
            assert.ok(kept >= 1);
            for (let i = 0; i < kept; i++) {
              const segment: Segment = [flat[3 * i]!, flat[3 * i + 1]!];
              assert.equal(flat[3 * i + 2], scores[segment[0] * clips + segment[1] - segment[0] - 1]);
              for (let j = 0; j < i; j++) {
                assert.ok(flat[3 * i + 2]! <= flat[3 * j + 2]!);
                assert.ok(temporalIoU(segment, [flat[3 * j]!, flat[3 * j + 1]!]) <= threshold + 1e-6);
              }
            }
          }
        },
      ),
      few,
    ));

  it('a mask alone is the mask that comes with a map', async () => {
    const layout = { clips: 21, scales: 3, durations: 9 };
    const lengths = runtime.tensor([0, 1, 13, 21, 40], [5], 'u32');
    const { mask } = iouMap(
      {
        spans: runtime.zeros([5, 1, 2]),
        spanCounts: runtime.tensor([0, 0, 1, 1, 1], [5], 'u32'),
        lengths,
        unit: 1,
      },
      layout,
    );
    const alone = Float32Array.from(await mapMask(lengths, layout).read());
    assert.deepEqual(await mask.read(), alone);
    const perVideo = mapRows(layout) * layout.durations;
    const valid = Array.from({ length: 5 }, (_, b) =>
      alone.slice(b * perVideo, (b + 1) * perVideo).reduce((sum, x) => sum + x, 0),
    );
    // Durations of 1 to 9 in rows of n clips, scale by scale; each scale keeps one cell at least.
    const cells = (n: number) =>
      Array.from({ length: 9 }, (_, j) => Math.max(0, n - j)).reduce((a, b) => a + b);
    const counted = [0, 3, cells(13) + cells(6) + cells(3), cells(21) + cells(10) + cells(5)];
    assert.deepEqual(valid, [...counted, counted[3]]);
  });

  it('halves hold the same maps, rounded', { skip: !runtime.traits.f16 }, async () => {
    const layout = { clips: 12, scales: 2, durations: 5 };
    const operands = {
      spans: runtime.tensor([2.2, 9, 1, 3.7], [2, 1, 2]),
      spanCounts: runtime.tensor([1, 1], [2], 'u32'),
      lengths: runtime.tensor([12, 7], [2], 'u32'),
      unit: 1,
    };
    const full = iouMap(operands, layout);
    const half = iouMap(operands, { ...layout, dtype: 'f16' });
    assert.equal(half.map.dtype, 'f16');
    assert.ok(relativeError(await half.map.read(), await full.map.read()) < 1e-3);
    assert.deepEqual(await half.mask.read(), await full.mask.read());
    const lengths = operands.lengths;
    const first = decodeMoments(mergeMaps(half.map, { ...layout, lengths }), { unit: 1, count: 1 });
    const [start, end] = await first.moments.read();
    assert.deepEqual([start, end], [2, 10]);
  });

  it('refuses what cannot be', () => {
    const layout = { clips: 8, scales: 2, durations: 4 };
    const lengths = runtime.tensor([8], [1], 'u32');
    const spanCounts = runtime.tensor([1], [1], 'u32');
    const spans = runtime.zeros([1, 3, 2]);
    const operands = { spans, spanCounts, lengths, unit: 1 };
    assert.throws(() => iouMap(operands, { ...layout, scales: 5 }), OptionError);
    assert.throws(() => iouMap(operands, { ...layout, durations: 0 }), OptionError);
    assert.throws(() => iouMap({ ...operands, unit: 0 }, layout), OptionError);
    assert.throws(() => iouMap({ ...operands, unit: runtime.tensor([1, 1]) }, layout), ShapeError);
    assert.throws(() => iouMap({ ...operands, spans: runtime.zeros([2, 3, 2]) }, layout), ShapeError);
    assert.throws(() => iouMap({ ...operands, lengths: runtime.tensor([8]) }, layout), DtypeError);
    assert.throws(() => mergeMaps(runtime.zeros([1, 8, 4]), layout), ShapeError);
    const scores = runtime.zeros([1, 8, 8]);
    assert.throws(() => decodeMoments(runtime.zeros([1, 8, 4]), { unit: 1 }), ShapeError);
    assert.throws(() => decodeMoments(scores, { unit: 1, count: 0 }), OptionError);
    assert.throws(() => decodeMoments(scores, { unit: 1, threshold: 1.5 }), OptionError);
    assert.throws(() => decodeMoments(scores, { unit: Number.NaN }), OptionError);
  });
});

/** Cells of the merged map that some scale covers within a full video, by its definition. */
function mergedCells(layout: Parameters<typeof mapScales>[0]): Set<number> {
  const cells = new Set<number>();
  for (const { stride, rows } of mapScales(layout)) {
    for (let start = 0; start < rows; start++) {
      for (let duration = 1; duration <= layout.durations && start + duration <= rows; duration++) {
        cells.add(start * stride * layout.clips + duration * stride - 1);
      }
    }
  }
  return cells;
}
