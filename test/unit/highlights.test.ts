import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluateHighlights, type JudgedHighlights } from '../../src/evaluation/highlights.js';

/** One annotator, to whom the clips of `good` are very good. */
const judged = (clips: number, ...good: number[]): number[][] =>
  Array.from({ length: clips }, (_, clip) => [good.includes(clip) ? 4 : 3]);

const precision = (predicted: number[], scores: number[][]) =>
  evaluateHighlights([{ predicted, judged: scores }])['HL-mAP-VeryGood'];

test('the mean of the interpolated precisions where recall rises', () => {
  // Ranks of the good clips: 1 and 3, so 1 and 2/3.
  assert.equal(precision([0.9, 0.5, 0.7, 0.1], judged(4, 0, 1)), 100 * ((1 + 2 / 3) / 2));
  // Ranks 2 and 3: 1/2 is lifted to 2/3.
  assert.equal(precision([0.9, 0.5, 0.7, 0.1], judged(4, 1, 2)), 100 * (2 / 3));
});

test('clips of equal score are found together', () => {
  assert.equal(precision([0.5, 0.5, 0.5, 0.1], judged(4, 0, 2)), 100 * (2 / 3));
  assert.equal(precision([1, 1, 1, 1], judged(4, 3)), 25);
});

test('without a good clip 0, with good clips only 1', () => {
  assert.equal(precision([0.2, 0.1], judged(2)), 0);
  assert.equal(precision([0.2, 0.1], judged(2, 0, 1)), 100);
});

test('scores are cut or filled up with 0 to the clips that were judged', () => {
  assert.equal(precision([0.1, 0.2, 9], judged(2, 1)), 100);
  // The clip that was not predicted has 0, more than the others.
  assert.equal(precision([-1, -2], judged(3, 2)), 100);
});

test('the mean over annotators; a hit where any of them calls the best clip very good', () => {
  const query: JudgedHighlights = {
    predicted: [0.1, 0.9],
    judged: [
      [4, 0, 0],
      [3, 4, 0],
    ],
  };
  const metrics = evaluateHighlights([query]);
  assert.equal(metrics['HL-mAP-VeryGood'], 100 * (0.5 / 3 + 1 / 3 + 0));
  assert.equal(metrics['HL-Hit1-VeryGood'], 100);
  const miss: JudgedHighlights = { predicted: [0.1, 0.2, 0.3], judged: judged(2, 0, 1) };
  assert.equal(
    evaluateHighlights([query, miss])['HL-Hit1-VeryGood'],
    50,
    'the best clip is beyond the video',
  );
  const tied: JudgedHighlights = { predicted: [0.5, 0.5], judged: judged(2, 1) };
  assert.equal(evaluateHighlights([tied])['HL-Hit1-VeryGood'], 0, 'of equal scores the first clip is best');
});

test('fair clips have a score of 2, good ones 3, very good ones 4', () => {
  // By the prediction: scores 2, 3, 4, 1 of one annotator.
  const metrics = evaluateHighlights([{ predicted: [4, 3, 2, 1], judged: [[2], [3], [4], [1]] }]);
  assert.deepEqual(Object.keys(metrics).sort(), [
    ...['HL-Hit1-Fair', 'HL-Hit1-Good', 'HL-Hit1-VeryGood'],
    ...['HL-mAP-Fair', 'HL-mAP-Good', 'HL-mAP-VeryGood'],
  ]);
  assert.equal(metrics['HL-mAP-Fair'], 100);
  // Found at ranks 2 and 3: 1/2, which is lifted to 2/3, and 2/3.
  assert.equal(metrics['HL-mAP-Good'], 100 * (2 / 3));
  assert.equal(metrics['HL-mAP-VeryGood'], 100 * (1 / 3));
  assert.deepEqual(
    ['Fair', 'Good', 'VeryGood'].map((level) => metrics[`HL-Hit1-${level}`]),
    [100, 0, 0],
  );
});

test('agrees with the curve that is drawn threshold by threshold', () => {
  const clips = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(clips, (drawn) => {
      const thresholds = [...new Set(drawn.map(([score]) => score))].sort((a, b) => b - a);
      const curve = thresholds.map((threshold) => {
        const chosen = drawn.filter(([score]) => score >= threshold);
        const hits = chosen.filter(([, good]) => good).length;
        return { hits, precision: hits / chosen.length };
      });
      const risen = curve.filter(({ hits }, i) => hits > (curve[i - 1]?.hits ?? 0));
      const lifted = risen.map(({ hits }) =>
        Math.max(...curve.filter((point) => point.hits >= hits).map((point) => point.precision)),
      );
      const wanted = lifted.length === 0 ? 0 : lifted.reduce((sum, value) => sum + value, 0) / lifted.length;
      const found = precision(
        drawn.map(([score]) => score),
        drawn.map(([, good]) => [good ? 4 : 0]),
      );
      assert.ok(Math.abs(found! - 100 * wanted) < 1e-9, `${found}, not ${100 * wanted}`);
    }),
  );
});
