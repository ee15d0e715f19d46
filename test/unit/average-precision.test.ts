import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { averagePrecision, evenlySpaced, interpolatedSum } from '../../src/evaluation/average-precision.js';
import type { Segment } from '../../src/time/segment.js';
import { slowAveragePrecision } from '../support/slow-metrics.js';

const all = (segments: readonly Segment[], truths: readonly Segment[]) =>
  segments.map((segment) => ({ segment, truths: truths.map((_, i) => i) }));

test('thresholds have the roundings of NumPy', () => {
  assert.deepEqual(
    evenlySpaced(0.5, 0.95, 10),
    [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95],
  );
  assert.deepEqual(evenlySpaced(0.3, 0.7, 5), [0.3, 0.39999999999999997, 0.5, 0.6, 0.7]);
  assert.deepEqual(evenlySpaced(0.5, 0.5, 1), [0.5]);
});

test('a precision counts as the best at its recall or beyond', () => {
  assert.equal(interpolatedSum([1, 0.25, 0.5]), 1 + 0.5 + 0.5);
  assert.equal(interpolatedSum([]), 0);
});

test('right, wrong, right: precision 1 and 2/3 at the two recalls', () => {
  const truths: Segment[] = [
    [0, 10],
    [20, 30],
  ];
  const found = all(
    [
      [0, 10],
      [40, 50],
      [20, 26],
    ],
    truths,
  );
  assert.deepEqual(averagePrecision(found, truths, [0.5, 0.6, 0.7]), [(1 + 2 / 3) / 2, (1 + 2 / 3) / 2, 0.5]);
});

test('a truth is found once; the next best truth serves a second prediction', () => {
  const twice = all(
    [
      [0, 10],
      [0, 10],
    ],
    [[0, 10]],
  );
  assert.deepEqual(averagePrecision(twice, [[0, 10]], [0.5]), [1]);
  const truths: Segment[] = [
    [0, 10],
    [0, 8],
  ];
  // Both predictions are nearest to [0, 10]; the second one has to take [0, 8].
  const found = all(
    [
      [0, 10],
      [0, 10],
    ],
    truths,
  );
  assert.deepEqual(averagePrecision(found, truths, [0.8, 0.85]), [1, 0.5]);
});

test('of truths that overlap alike the last is taken', () => {
  const truths: Segment[] = [
    [0, 10],
    [10, 20],
  ];
  // [5, 15] overlaps both by 1/3; what is left for [6, 16] at 0.25 is [0, 10], by 0.25.
  const found = all(
    [
      [5, 15],
      [6, 16],
    ],
    truths,
  );
  assert.deepEqual(averagePrecision(found, truths, [0.25, 0.26]), [1, 0.5]);
});

test('nothing found, nothing to find', () => {
  assert.deepEqual(averagePrecision([], [[0, 1]], [0.5, 0.7]), [0, 0]);
  assert.deepEqual(averagePrecision([{ segment: [0, 1], truths: [] }], [], [0.5]), [0]);
});

test('agrees with the area that is computed recall by recall', () => {
  const segment = fc
    .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 8 }))
    .map(([start, length]): Segment => [start, start + length]);
  const problems = fc
    .tuple(fc.array(segment, { maxLength: 6 }), fc.array(fc.tuple(segment, fc.nat(63)), { maxLength: 12 }))
    .map(([truths, predictions]) => ({
      truths,
      ranked: predictions.map(([window, mask]) => ({
        segment: window,
        truths: truths.map((_, i) => i).filter((i) => (mask >> i) & 1),
      })),
    }));
  const thresholds = [0.2, 0.5, 0.75, 1];
  fc.assert(
    fc.property(problems, ({ truths, ranked }) => {
      const found = averagePrecision(ranked, truths, thresholds);
      for (const [i, threshold] of thresholds.entries()) {
        const wanted = slowAveragePrecision(ranked, truths, threshold);
        assert.ok(Math.abs(found[i]! - wanted) < 1e-12, `${found[i]} is not ${wanted}`);
      }
    }),
    { numRuns: 500 },
  );
});
