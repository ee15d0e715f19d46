import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJsonLines } from '../../src/data/formats/json-record.js';
import { evaluateMoments, type JudgedMoment, meanIoU, recallAt } from '../../src/evaluation/moments.js';
import type { Segment } from '../../src/time/segment.js';
import { missing, sharedData } from '../support/shared-data.js';
import { slowAveragePrecision } from '../support/slow-metrics.js';

/** Windows with falling scores. */
const query = (windows: readonly Segment[], truths: readonly Segment[]): JudgedMoment => ({
  predicted: windows.map((segment, i) => ({ segment, score: 1 - i / 100 })),
  truths,
});

test('recall takes the nearest truth, and counts an exact overlap unless it is strict', () => {
  const half = query(
    [[0, 10]],
    [
      [90, 99],
      [0, 20],
    ],
  );
  const seventh = query(
    [
      [50, 60],
      [0, 7],
    ],
    [[0, 10]],
  );
  const nothing = query([], [[0, 10]]);
  const queries = [half, seventh, nothing];
  assert.equal(recallAt(queries, 1, 0.5), 1 / 3);
  assert.equal(recallAt(queries, 1, 0.5, 'strict'), 0);
  assert.equal(recallAt(queries, 5, 0.5, 'strict'), 1 / 3);
  assert.equal(recallAt(queries, 5, 0.7), 1 / 3);
  assert.equal(recallAt(queries, 5, 0.7, 'strict'), 0);
  assert.equal(meanIoU(queries), 0.5 / 3);
});

test('recall goes by order, precision by score', () => {
  const moment: JudgedMoment = {
    predicted: [
      { segment: [50, 60], score: 0.1 },
      { segment: [0, 10], score: 0.9 },
    ],
    truths: [[0, 10]],
  };
  const metrics = evaluateMoments([moment]);
  assert.equal(metrics['R1@0.5'], 0);
  assert.equal(metrics['R5@0.5'], 100);
  assert.equal(metrics.mAP, 100);
  const tied = { ...moment, predicted: moment.predicted.map((window) => ({ ...window, score: 0.5 })) };
  assert.equal(evaluateMoments([tied]).mAP, 50, 'equal scores keep their order');
});

test('precision looks at ten windows', () => {
  const wrong = Array.from({ length: 9 }, (_, i): Segment => [100 + i, 101 + i]);
  assert.equal(evaluateMoments([query([...wrong, [0, 10]], [[0, 10]])]).mAP, 10);
  assert.equal(evaluateMoments([query([...wrong, [90, 91], [0, 10]], [[0, 10]])]).mAP, 0);
});

test('precision by length leaves out queries and truths of other lengths', () => {
  const queries = [
    // Of 10 and 10.5 seconds; only the first is found.
    query(
      [[0, 10]],
      [
        [0, 10],
        [50, 60.5],
      ],
    ),
    query([[0, 30]], [[0, 30]]),
  ];
  const metrics = evaluateMoments(queries);
  assert.equal(metrics['mAP-short'], 100);
  assert.equal(metrics['mAP-middle'], 50);
  assert.equal(metrics['mAP-long'], null);
  assert.equal(metrics.mAP, 75);
});

test('mAP is the mean over thresholds that are whole hundredths', () => {
  // An overlap of exactly 0.9 counts at 0.5, 0.55, … 0.9.
  const metrics = evaluateMoments([query([[0, 9]], [[0, 10]])]);
  assert.ok(Math.abs(metrics.mAP! - 90) < 1e-12);
  assert.equal(metrics['mAP@0.5'], 100);
  assert.equal(metrics['mAP@0.75'], 100);
  assert.ok(Math.abs(metrics.mIoU! - 90) < 1e-12);
});

const segments = fc.tuple(fc.nat(40), fc.nat(40)).map(([start, length]): Segment => [start, start + length]);
const moments: fc.Arbitrary<JudgedMoment> = fc.record({
  predicted: fc.array(fc.record({ segment: segments, score: fc.nat(3) }), { maxLength: 14 }),
  truths: fc.array(segments, { minLength: 1, maxLength: 4 }),
});

test('agrees with the plain computation, whatever the ties', () => {
  fc.assert(
    fc.property(fc.array(moments, { minLength: 1, maxLength: 5 }), (queries) => {
      const metrics = evaluateMoments(queries);
      const values = queries.map(({ predicted, truths }) => {
        const ranked = predicted
          .slice(0, 10)
          .map((window, i) => ({ ...window, i }))
          .sort((a, b) => (a.score === b.score ? a.i - b.i : b.score - a.score))
          .map(({ segment }) => ({ segment, truths: [...truths.keys()] }));
        return slowAveragePrecision(ranked, truths, 0.75);
      });
      const wanted = (100 * values.reduce((sum, value) => sum + value, 0)) / queries.length;
      assert.ok(Math.abs(metrics['mAP@0.75']! - wanted) < 1e-9);
    }),
  );
});

test('recall grows with n, falls with the threshold, and is smaller where it is strict', () => {
  fc.assert(
    fc.property(fc.array(moments, { minLength: 1, maxLength: 8 }), (queries) => {
      const loose = evaluateMoments(queries);
      const strict = evaluateMoments(queries, 'strict');
      assert.ok(loose['R1@0.5']! <= loose['R5@0.5']! && loose['R1@0.7']! <= loose['R1@0.5']!);
      for (const name of ['R1@0.5', 'R1@0.7', 'R5@0.5', 'R5@0.7'])
        assert.ok(strict[name]! <= loose[name]!, name);
      assert.equal(strict.mAP, loose.mAP);
      for (const value of Object.values(loose)) assert.ok(value === null || (value >= 0 && value <= 100));
    }),
  );
});

const annotations = 'qvhighlights/highlight_val_release.jsonl';
test('annotations of QVHighlights', { skip: missing(annotations) }, async () => {
  const truths = (await readJsonLines(sharedData(annotations))).map((line) => line.spans('relevant_windows'));
  const perfect = evaluateMoments(truths.map((windows) => query(windows, windows)));
  assert.equal(perfect['R1@0.7'], 100);
  assert.equal(perfect.mIoU, 100);
  // More than ten true windows cannot all be found by ten predictions.
  assert.ok(perfect.mAP! > 99 && perfect.mAP! <= 100, `${perfect.mAP}`);
  assert.ok(perfect['mAP-short']! < perfect.mAP!, 'windows of other lengths are wrong there');
  // Halves of the true windows overlap them by a half.
  const halves = evaluateMoments(
    truths.map((windows) =>
      query(
        windows.map(([start, end]): Segment => [start, (start + end) / 2]),
        windows,
      ),
    ),
  );
  assert.equal(halves['R1@0.5'], 100);
  assert.equal(halves['R1@0.7'], 0);
  assert.equal(halves.mIoU, 50);
  assert.equal(halves['mAP@0.75'], 0);
});
