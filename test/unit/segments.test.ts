import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ScoredSegment, softSuppress, suppress, temporalIoU } from '../../src/time/segment.js';

const segments = fc
  .tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 20 }))
  .map(([start, length]) => [start, start + length] as const);

const scored: fc.Arbitrary<ScoredSegment[]> = fc.array(
  fc.record(
    { segment: segments, score: fc.double({ min: -1, max: 1, noNaN: true }) },
    { noNullPrototype: true },
  ),
  { maxLength: 20 },
);

test('temporal IoU of known pairs', () => {
  assert.equal(temporalIoU([0, 10], [5, 15]), 5 / 15);
  assert.equal(temporalIoU([0, 10], [2, 4]), 2 / 10);
  assert.equal(temporalIoU([0, 1], [1, 2]), 0);
  assert.equal(temporalIoU([3, 3], [3, 3]), 0);
  // With indices of snippets: {0, 1} and {1, 2} share one of three.
  assert.equal(temporalIoU([0, 1], [1, 2], 1), 1 / 3);
  assert.equal(temporalIoU([3, 3], [3, 3], 1), 1);
});

test('temporal IoU is symmetric, within [0, 1], and the share of common snippets', () => {
  fc.assert(
    fc.property(segments, segments, (a, b) => {
      const indices = ([start, end]: readonly [number, number]) =>
        new Set(Array.from({ length: end - start + 1 }, (_, i) => start + i));
      const common = [...indices(a)].filter((i) => indices(b).has(i)).length;
      const all = new Set([...indices(a), ...indices(b)]).size;
      assert.equal(temporalIoU(a, b, 1), common / all);
      assert.equal(temporalIoU(a, b), temporalIoU(b, a));
      assert.ok(temporalIoU(a, b) >= 0 && temporalIoU(a, b) <= 1);
    }),
  );
});

test('suppression keeps the best of what overlaps too much', () => {
  const [a, b, c, d] = [
    { segment: [0, 10], score: 0.5, name: 'a' },
    { segment: [1, 10], score: 0.9, name: 'b' },
    { segment: [9, 20], score: 0.2, name: 'c' },
    { segment: [1, 5.5], score: 0.1, name: 'd' },
  ] as const;
  assert.deepEqual(suppress([a, b, c, d], 0.5), [b, c, d], 'an overlap of exactly the threshold is kept');
  assert.deepEqual(suppress([a, b, c, d], 0.49), [b, c]);
  assert.deepEqual(suppress([a, b, c, d], 1), [b, a, c, d]);
});

test('what is suppressed overlaps something better that was kept; what is kept does not overlap', () => {
  fc.assert(
    fc.property(scored, fc.double({ min: 0, max: 1, noNaN: true }), (all, threshold) => {
      const kept = suppress(all, threshold);
      for (const one of all) {
        const overlapping = kept.filter((k) => k !== one && temporalIoU(k.segment, one.segment) > threshold);
        if (kept.includes(one)) assert.deepEqual(overlapping, []);
        else assert.ok(overlapping.some(({ score }) => score >= one.score));
      }
    }),
  );
});

test('soft suppression multiplies by exp(-IoU^2 / sigma), one taken segment after the other', () => {
  const result = softSuppress(
    [
      { segment: [0, 9], score: 0.8 },
      { segment: [0, 9], score: 1 },
      { segment: [5, 14], score: 0.9 },
    ],
    0.3,
    1,
  );
  const half = Math.exp(-((5 / 15) ** 2) / 0.3);
  assert.deepEqual(
    result.map(({ segment }) => segment),
    [
      [0, 9],
      [5, 14],
      [0, 9],
    ],
  );
  [1, 0.9 * half, 0.8 * Math.exp(-1 / 0.3) * half].forEach((expected, i) => {
    assert.ok(Math.abs(result[i]!.score - expected) < 1e-12, `${result[i]!.score} for ${expected}`);
  });
});

test('soft suppression drops nothing, changes no segment, and leaves its input alone', () => {
  fc.assert(
    fc.property(scored, fc.double({ min: 0.01, max: 10, noNaN: true }), (all, sigma) => {
      const before = structuredClone(all);
      const result = softSuppress(all, sigma);
      assert.deepEqual(all, before);
      const key = ({ segment }: ScoredSegment) => segment.join();
      assert.deepEqual(result.map(key).sort(), all.map(key).sort());
      if (all.length > 0) assert.equal(result[0]!.score, Math.max(...all.map(({ score }) => score)));
      for (const { score } of result) assert.ok(Number.isFinite(score));
    }),
  );
});
