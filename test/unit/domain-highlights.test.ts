import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OptionError } from '../../src/errors.js';
import {
  type DomainVideo,
  evaluateMatchedHighlights,
  evaluateTopHighlights,
} from '../../src/evaluation/domain-highlights.js';

const byAnnotators = (...annotators: readonly (readonly number[])[]): number[][] =>
  annotators[0]!.map((_, clip) => annotators.map((scores) => scores[clip]!));
const close = (found: number | undefined, wanted: number) =>
  assert.ok(Math.abs(found! - wanted) < 1e-9, `${found}, not ${wanted}`);

test('YouTube Highlights by hand: trapezoids from precision 1', () => {
  const precision = (...match: number[]) =>
    evaluateMatchedHighlights([
      { domain: 'dog', predicted: match.map((_, i) => -i), judged: byAnnotators(match) },
    ]).metrics['HL-mAP'];
  close(precision(1, 1, -1, 0), 100);
  // Recall rises from 0 to 1 at rank 2, where precision goes from 0 to 1/2.
  close(precision(0, 1), 100 * ((0 + 1 / 2) / 2));
  // At rank 1 from 1 to 1; at rank 3 from 1/2 to 2/3, each half of the recall.
  close(precision(1, -1, 1), 100 * ((1 + 1) / 4 + (1 / 2 + 2 / 3) / 4));
  close(precision(-1, 0, 0), 0);
});

test('TVSum by hand: five clips, above the lower middle score, positives among the five alone', () => {
  const precision = (predicted: number[], ...annotators: number[][]) =>
    evaluateTopHighlights([{ domain: 'BK', predicted, judged: byAnnotators(...annotators) }]).metrics[
      'HL-top5-mAP'
    ];
  const falling = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1];
  // Above the middle score, 2, are all five; those that are as high do not count.
  const five = [3, 3, 3, 3, 3, 2, 1, 1, 1, 1, 1];
  close(precision(falling, five), 100);
  // Of eight the middle scores are 2 and 3: above 2 is good, so that ranks 1 and 3 are, and two behind the five.
  close(precision(falling.slice(0, 8), [4, 2, 3, 2, 1, 1, 4, 3]), 100 * ((1 + 1) / 4 + (1 / 2 + 2 / 3) / 4));
  // Good clips there are, but none among the five.
  const late = five.toReversed();
  close(precision(falling, late), 0);
  close(precision(falling, five, late), 50);
  close(precision([1, 2], [1, 2]), 100);
});

test('the mean of the domains, each the mean of its videos', () => {
  const video = (domain: string, ...match: number[]): DomainVideo => ({
    ...{ domain, predicted: match.map((_, i) => -i), judged: byAnnotators(match) },
  });
  const { metrics, domains } = evaluateMatchedHighlights([
    ...[video('surfing', 1, 0), video('surfing', 0, 1), video('surfing', 0, 0)],
    video('dog', 0, 1),
  ]);
  assert.deepEqual(Object.keys(domains), ['dog', 'surfing']);
  close(domains.surfing, 125 / 3);
  close(domains.dog, 25);
  close(metrics['HL-mAP'], (125 / 3 + 25) / 2);
});

test('agree with sums over ranks and annotators', () => {
  /** Of whether the clips are good, best first; the curve is drawn point by point. */
  function drawn(good: readonly boolean[]): number {
    const points = [[0, 1]];
    for (let n = 1; n <= good.length; n++) {
      const hits = good.slice(0, n).reduce((sum, each) => sum + Number(each), 0);
      points.push([hits / good.filter(Boolean).length, hits / n]);
    }
    if (!good.includes(true)) return 0;
    let area = 0;
    for (let i = 1; i < points.length; i++) {
      const [[from, high], [to, low]] = [points[i - 1]!, points[i]!] as [number[], number[]] as never as [
        [number, number],
        [number, number],
      ];
      area += (to - from) * ((high + low) / 2);
    }
    return area;
  }
  const clips = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 3 }),
    ),
    { minLength: 1, maxLength: 15 },
  );
  fc.assert(
    fc.property(clips, (all) => {
      const video = {
        domain: 'x',
        predicted: all.map(([score]) => score),
        judged: all.map(([, each]) => each),
      };
      const order = all.map((_, i) => i).sort((a, b) => all[b]![0] - all[a]![0] || a - b);
      let wanted = 0;
      for (let annotator = 0; annotator < 3; annotator++) {
        const scores = video.judged.map((each) => each[annotator]!);
        // Torch's median: so many are at most as high.
        const median = Math.min(
          ...scores.filter((s) => 2 * scores.filter((x) => x <= s).length >= scores.length),
        );
        wanted += drawn(order.slice(0, 5).map((clip) => scores[clip]! > median)) / 3;
      }
      close(evaluateTopHighlights([video]).metrics['HL-top5-mAP'], 100 * wanted);
      const first = { ...video, judged: video.judged.map(([score]) => [score!]) };
      const matched = drawn(order.map((clip) => first.judged[clip]![0] === 1));
      close(evaluateMatchedHighlights([first]).metrics['HL-mAP'], 100 * matched);
    }),
  );
});

test('refuse clips without a prediction, and annotators who miss some', () => {
  const evaluate = (predicted: number[], judged: number[][]) => () =>
    evaluateTopHighlights([{ domain: 'x', predicted, judged }]);
  assert.throws(evaluate([1], [[1], [2]]), /videos\[0\] needs a prediction for each of 2 clips, it has 1/);
  assert.throws(evaluate([1, 2], [[1, 2], [2]]), /judged\[1\] needs 2 scores, as judged\[0\], it has 1/);
  assert.throws(evaluate([], []), OptionError);
});
