import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../cases/support/random.js';
import { type RankingOptions, rankMoments } from '../../src/models/map-diffusion/ranking.js';
import { refineMoment } from '../../src/models/map-diffusion/refine.js';
import { type MapLayout, mapRows, mapScales } from '../../src/ops/iou-map/map-layout.js';
import { type ScoredSegment, suppress, temporalIoU } from '../../src/time/segment.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

/** Calls `visit` with each moment of the packed maps that ends within `length` clips, and its place in them. */
function forEachMoment(
  layout: MapLayout,
  length: number,
  visit: (start: number, duration: number, place: number) => void,
): void {
  for (const { stride, offset, rows } of mapScales(layout)) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < layout.durations; column++) {
        const [start, duration] = [row * stride, (column + 1) * stride];
        if (start + duration <= length) visit(start, duration, (offset + row) * layout.durations + column);
      }
    }
  }
}

/** The best score of every moment that some scale has, best moments first. */
function merged(map: ArrayLike<number>, layout: MapLayout, length: number): ScoredSegment[] {
  const best = new Map<string, ScoredSegment>();
  forEachMoment(layout, length, (start, duration, place) => {
    const segment = [start, start + duration] as const;
    const score = Math.max(map[place]!, best.get(`${segment}`)?.score ?? Number.NEGATIVE_INFINITY);
    best.set(`${segment}`, { segment, score });
  });
  return [...best.values()].sort((a, b) => b.score - a.score);
}

interface Maps {
  readonly layout: MapLayout;
  /** Clips of each query's video. */
  readonly lengths: readonly number[];
  /** For each query its packed maps. */
  readonly maps: readonly Float32Array[];
}

/** Normal numbers: no two are equal, and about half are below 0. */
function randomMaps(seed: number, layout: MapLayout, lengths: readonly number[]): Maps {
  const random = new Random(seed);
  const cells = mapRows(layout) * layout.durations;
  const maps = lengths.map(() => Float32Array.from({ length: cells }, () => random.normal()));
  return { layout, lengths, maps };
}

async function rank({ layout, lengths, maps }: Maps, unit: number | number[], options: RankingOptions) {
  const elements = maps.flatMap((map) => [...map]);
  using packed = runtime.tensor(elements, [maps.length, mapRows(layout), layout.durations]);
  using clips = runtime.tensor([...lengths], [lengths.length], 'u32');
  return rankMoments(packed, clips, layout, unit, options);
}

function assertSame(
  actual: readonly ScoredSegment[],
  expected: readonly ScoredSegment[],
  seconds: number,
): void {
  assert.equal(actual.length, expected.length);
  for (const [i, { segment, score }] of expected.entries()) {
    assert.equal(actual[i]!.score, score);
    for (const side of [0, 1] as const) {
      const difference = Math.abs(actual[i]!.segment[side] - segment[side] * seconds);
      assert.ok(difference < 1e-5 * (1 + segment[1] * seconds), `${actual[i]!.segment} is not ${segment}`);
    }
  }
}

describe('rankMoments', () => {
  it('merges the scales, sorts and suppresses as slow loops do', async () => {
    const layouts = fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 8 }))
      .map(([scales, eights, durations]) => ({ clips: 4 * eights, scales, durations }));
    const cases = fc.record({
      layout: layouts,
      seed: fc.integer(),
      shares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
      count: fc.integer({ min: 1, max: 8 }),
      threshold: fc.constantFrom(0, 0.3, 0.49, 1),
      unit: fc.constantFrom(1, 0.64, 5),
      each: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ layout, seed, shares, count, threshold, unit, each }) => {
        const lengths = shares.map((share) => 4 + Math.floor(share * (layout.clips - 4)));
        const maps = randomMaps(seed, layout, lengths);
        const units = lengths.map((_, q) => (each ? unit + q : unit));
        const options = { count, threshold, refine: false };
        const ranked = await rank(maps, each ? units : unit, options);
        assert.equal(ranked.length, lengths.length);
        for (const [q, length] of lengths.entries()) {
          const all = merged(maps.maps[q]!, layout, length);
          assertSame(ranked[q]!, suppress(all, threshold).slice(0, count), units[q]!);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refines each moment on its own maps, within its own video', async () => {
    const layout = { clips: 16, scales: 2, durations: 8 };
    const maps = randomMaps(3, layout, [16, 9]);
    const [coarse, fine] = await Promise.all([
      rank(maps, 0.5, { refine: false, count: 15 }),
      rank(maps, 0.5, { refine: true, count: 5 }),
    ]);
    for (const [q, length] of maps.lengths.entries()) {
      const expected = coarse[q]!.map(({ segment, score }) => {
        const moment = [segment[0] / 0.5, segment[1] / 0.5] as const;
        const [start, end] = refineMoment(maps.maps[q]!, layout, moment, length);
        return { segment: [start * 0.5, end * 0.5] as const, score };
      });
      assertSame(fine[q]!, suppress(expected, 0.49).slice(0, 5), 1);
      assert.ok(fine[q]!.every(({ segment }) => segment[0] >= 0 && segment[1] <= length * 0.5));
    }
    assert.notDeepEqual(fine, coarse);
    assert.deepEqual(await rank(maps, 0.5, {}), fine);
  });

  it('gives no moment that ends after the video, nor one that begins after it', async () => {
    const layout = { clips: 8, scales: 2, durations: 4 };
    const maps = randomMaps(5, layout, [4, 8]);
    const durations = [1.5, 7.25];
    for (const options of [{}, { refine: false }, { compat: 'ms-2d-tan' }] as const) {
      const ranking = { count: 30, threshold: 1, ...options };
      const [whole, cut] = await Promise.all([
        rank(maps, 1, ranking),
        rank(maps, 1, { ...ranking, durations }),
      ]);
      assert.ok(whole[0]!.some(({ segment }) => segment[1] > durations[0]!));
      for (const [q, duration] of durations.entries()) {
        assert.ok(cut[q]!.length > 0);
        for (const { segment } of cut[q]!)
          assert.ok(0 <= segment[0] && segment[0] < segment[1] && segment[1] <= duration, `${segment}`);
      }
    }
  });

  it('ranks as the released MS-2D-TAN when it is told to', async () => {
    const layout = { clips: 8, scales: 2, durations: 4 };
    const maps = randomMaps(11, layout, [3, 8, 8]);
    const best = (q: number) => merged(maps.maps[q]!, layout, maps.lengths[q]!);
    // Videos of 3 clips have 6 moments, so that many of the other queries are ranked too.
    const ranked = await rank(maps, 2, { compat: 'ms-2d-tan', count: 100, threshold: 1 });
    assert.deepEqual(
      ranked.map((moments) => moments.length),
      [6, 6, 6],
    );
    // Scores below 0 become 0: the positive ones lead, in their order.
    for (const [q, moments] of ranked.entries()) {
      const positive = best(q)
        .filter(({ score }) => score > 0)
        .slice(0, 6);
      assertSame(moments.slice(0, positive.length), positive, 2);
      assert.ok(moments.slice(positive.length).every(({ score }) => score === 0));
    }
    assert.ok(best(0).some(({ score }) => score < 0));
    // Suppression comes after that cut.
    const [, second] = await rank(maps, 2, { compat: 'ms-2d-tan', count: 2, threshold: 0.3 });
    assertSame(second!, suppress(best(1).slice(0, 6), 0.3).slice(0, 2), 2);
  });
});

/** The maps of the overlaps with a span, times a factor. */
function idealMaps(layout: MapLayout, span: readonly [number, number], length: number, factor: number) {
  const maps = new Float32Array(mapRows(layout) * layout.durations);
  forEachMoment(layout, length, (start, duration, place) => {
    maps[place] = factor * temporalIoU([start, start + duration], span);
  });
  return maps;
}

describe('refineMoment', () => {
  it('finds the span that the maps are overlaps with', () => {
    const layout = { clips: 64, scales: 3, durations: 16 };
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    // The largest cells reach the end of the video, and a span has two clips: a factor of the maps would otherwise
    // look the same as a shorter span.
    const lengths = fc.integer({ min: 4, max: 16 }).map((quarter) => 4 * quarter);
    fc.assert(
      fc.property(lengths, share, share, share, (length, size, place, height) => {
        const duration = 2 + size * (length - 2);
        const start = place * (length - duration);
        const span = [start, start + duration] as const;
        const maps = idealMaps(layout, span, length, 0.4 + 0.6 * height);
        const cell = merged(maps, layout, length)[0]!.segment;
        const found = refineMoment(maps, layout, cell, length);
        for (const side of [0, 1] as const) {
          assert.ok(Math.abs(found[side] - span[side]) < 0.05, `${found} is not ${span}, from ${cell}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leaves a moment that stands alone as it is', () => {
    const layout = { clips: 4, scales: 1, durations: 1 };
    assert.deepEqual(refineMoment([0.1, 0.9, 0.2, 0], layout, [1, 2], 4), [1, 2]);
  });
});
