import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAnnotations } from '../../src/data/annotations/read-detections.js';
import { evaluateDetection } from '../../src/evaluation/detection.js';
import type { Detection, LabelledSegment, Segment } from '../../src/time/segment.js';
import { missing, sharedData } from '../support/shared-data.js';
import { slowAveragePrecision } from '../support/slow-metrics.js';

const found = (label: string, start: number, end: number, score: number): Detection => ({
  label,
  segment: [start, end],
  score,
});
const truth = (label: string, start: number, end: number): LabelledSegment => ({
  label,
  segment: [start, end],
});

/** The mean over classes, each by the plain average precision. */
function slowMean(
  predictions: ReadonlyMap<string, readonly Detection[]>,
  truths: ReadonlyMap<string, readonly LabelledSegment[]>,
  threshold: number,
): number {
  const all = [...truths].flatMap(([video, actions]) => actions.map((action) => ({ video, ...action })));
  const guesses = [...predictions].flatMap(([video, actions]) =>
    actions.map((action) => ({ video, ...action })),
  );
  const labels = [...new Set(all.map(({ label }) => label))];
  const values = labels.map((label) => {
    const ofLabel = all.filter((action) => action.label === label);
    const ranked = guesses
      .filter((guess) => guess.label === label)
      .map((guess, i) => ({ ...guess, i }))
      .sort((a, b) => (a.score === b.score ? b.i - a.i : b.score - a.score))
      .map(({ video, segment }) => ({
        segment,
        truths: [...ofLabel.keys()].filter((i) => ofLabel[i]!.video === video),
      }));
    const segments = ofLabel.map(({ segment }) => segment);
    return slowAveragePrecision(ranked, segments, threshold);
  });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('the mean over classes of the precision over all videos', () => {
  const truths = new Map([
    ['a', [truth('jump', 0, 10), truth('run', 20, 30)]],
    ['b', [truth('jump', 0, 10), truth('swim', 0, 5)]],
  ]);
  const predictions = new Map([
    // The first is best, the second is in no annotated video, so jump has precision 1 and then 2/3.
    ['a', [found('jump', 0, 10, 0.9), found('run', 20, 29, 0.1)]],
    ['c', [found('jump', 0, 10, 0.8)]],
    ['b', [found('jump', 0, 10, 0.7), found('dance', 0, 5, 1)]],
  ]);
  const { metrics, unknownLabels } = evaluateDetection(predictions, truths, [0.5, 0.95]);
  const jump = (1 + 2 / 3) / 2;
  assert.deepEqual(metrics, {
    'mAP@0.50': (jump + 1 + 0) / 3,
    'mAP@0.95': (jump + 0 + 0) / 3,
    'average-mAP': ((jump + 1) / 3 + jump / 3) / 2,
  });
  assert.deepEqual(unknownLabels, ['dance']);
});

test('of equal scores the last comes first', () => {
  const truths = new Map([['a', [truth('jump', 0, 10)]]]);
  const right = found('jump', 0, 10, 0.5);
  const wrong = found('jump', 50, 60, 0.5);
  const score = (predictions: Detection[]) =>
    evaluateDetection(new Map([['a', predictions]]), truths, [0.5]).metrics['mAP@0.50'];
  assert.equal(score([wrong, right]), 1);
  assert.equal(score([right, wrong]), 0.5);
});

test('the thresholds are those of ActivityNet where none are given', () => {
  const truths = new Map([['a', [truth('jump', 0, 10)]]]);
  const { metrics } = evaluateDetection(new Map([['a', [found('jump', 0, 8, 1)]]]), truths);
  const names = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95].map((percent) => `mAP@0.${percent}`);
  assert.deepEqual(Object.keys(metrics), [...names, 'average-mAP']);
  assert.equal(metrics['mAP@0.80'], 1, 'an overlap of exactly the threshold is enough');
  assert.equal(metrics['mAP@0.85'], 0);
  assert.ok(Math.abs(metrics['average-mAP']! - 0.7) < 1e-12);
});

test('agrees with the plain computation, whatever the ties', () => {
  const video = fc.constantFrom('a', 'b', 'c');
  const label = fc.constantFrom('jump', 'run', '__proto__');
  const segment = fc.tuple(fc.nat(15), fc.nat(6)).map(([start, length]): Segment => [start, start + length]);
  const grouped = <T>(items: readonly (readonly [string, T])[]) => {
    const byVideo = new Map<string, T[]>();
    for (const [name, item] of items) byVideo.set(name, [...(byVideo.get(name) ?? []), item]);
    return byVideo;
  };
  const truths = fc.array(fc.tuple(video, fc.record({ label, segment })), { minLength: 1, maxLength: 10 });
  const scored = fc.record({ label, segment, score: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(truths, fc.array(fc.tuple(video, scored), { maxLength: 20 }), (known, guessed) => {
      const [annotated, predicted] = [grouped(known), grouped(guessed)];
      const { metrics } = evaluateDetection(predicted, annotated, [0.3, 0.5]);
      for (const threshold of [0.3, 0.5]) {
        const wanted = slowMean(predicted, annotated, threshold);
        assert.ok(Math.abs(metrics[`mAP@${threshold.toFixed(2)}`]! - wanted) < 1e-12);
      }
    }),
  );
});

/** Some guesses for each annotation, moved by a part of its length; scores repeat. */
function guesses(truths: ReadonlyMap<string, readonly LabelledSegment[]>): Map<string, Detection[]> {
  let turn = 0;
  const shifts = [0, 0.3, -0.15, 0.6, 0.05];
  return new Map(
    [...truths].map(([video, actions]) => [
      video,
      actions.flatMap(({ label, segment: [start, end] }) =>
        [0, 1].map(() => {
          const shift = shifts[turn++ % shifts.length]! * (end - start);
          return found(label, start + shift, end + shift, (turn % 97) / 97);
        }),
      ),
    ]),
  );
}

test('annotations of some videos of THUMOS-14', { skip: missing('thumos14/gt.json') }, async () => {
  const all = await readAnnotations(sharedData('thumos14/gt.json'), 'test');
  const truths = new Map([...all].filter((_, i) => i % 4 === 0));
  const perfect = new Map(
    [...truths].map(([video, actions]) => [video, actions.map((action) => ({ ...action, score: 1 }))]),
  );
  const { metrics } = evaluateDetection(perfect, truths, [0.3, 0.5, 0.7]);
  assert.deepEqual(Object.values(metrics), [1, 1, 1, 1]);
  const predictions = guesses(truths);
  const moved = evaluateDetection(predictions, truths, [0.5]).metrics['mAP@0.50']!;
  assert.ok(moved > 0.3 && moved < 0.9, `${moved}`);
  assert.ok(Math.abs(moved - slowMean(predictions, truths, 0.5)) < 1e-12);
});

test('100,000 predictions on the annotations of ActivityNet in a few seconds', {
  skip: missing('activitynet13/anet_anno_action.json'),
}, () => {
  const file = JSON.parse(readFileSync(sharedData('activitynet13/anet_anno_action.json'), 'utf8'));
  const truths = new Map(
    Object.entries(file as Record<string, { annotations: LabelledSegment[] }>).map(([video, entry]) => [
      video,
      entry.annotations.filter(({ segment: [start, end] }) => start < end),
    ]),
  );
  const predictions = new Map(
    [...guesses(truths)].map(([video, actions]) => [video, [actions, actions, actions].flat()]),
  );
  const count = [...predictions.values()].reduce((sum, { length }) => sum + length, 0);
  assert.ok(count > 100_000);
  const { metrics } = evaluateDetection(predictions, truths);
  assert.ok(metrics['mAP@0.50']! > metrics['mAP@0.95']! && metrics['mAP@0.95']! > 0.01);
});
