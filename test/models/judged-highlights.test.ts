import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClipScores, VideoDataset } from '../../src/datasets/video-dataset.js';
import { evaluatePredictions } from '../../src/models/common/evaluate-predictions.js';
import { askedHighlights, scoresAt } from '../../src/models/common/judged-highlights.js';
import type { Predictions } from '../../src/models/localization-model.js';

// Predicted curves of clips against the scores of people, by the rules of each benchmark.

function dataOf(
  videos: Readonly<Record<string, { duration: number; saliency?: ClipScores; window?: [number, number] }>>,
) {
  const data: VideoDataset = {
    ...{ name: 'made', classes: [], splits: ['validation'] },
    items: () =>
      Object.entries(videos).map(([id, { duration, saliency, window }]) => ({
        id,
        duration,
        annotations: {
          labels: [id.slice(0, 3)],
          queries: [
            {
              ...{ id, text: 'a dog', kind: '', excerpt: [0, duration], windows: window ? [window] : [] },
              ...(saliency && { saliency }),
            },
          ],
        },
      })),
    close: async () => {},
  };
  return data;
}

const predicted = (
  curves: Readonly<Record<string, readonly number[]>>,
  stride: number,
  window = stride,
): Predictions => ({
  moments: new Map(Object.keys(curves).map((id) => [id, []])),
  saliency: new Map(Object.entries(curves).map(([id, scores]) => [id, { start: 0, stride, window, scores }])),
});

describe('highlights of a data set', () => {
  it('QVHighlights: clips that nobody scored are bad ones, and moments are counted beside', () => {
    const saliency = {
      clips: [
        [2, 4],
        [6, 8],
      ],
      scores: [
        [4, 2],
        [Number.NaN, 3],
      ],
    } as const;
    const data = dataOf({ one: { duration: 9, saliency, window: [2, 8] } });
    const [asked] = askedHighlights(data, 'validation');
    assert.deepEqual(asked!.judged, [
      [0, 0],
      [4, 0],
      [0, 0],
      [2, 3],
    ]);
    const found = predicted({ one: [0.3, 0.9, 0.4, 0.5, 7] }, 2);
    const { metrics, domains, count } = evaluatePredictions(data, 'validation', {
      ...found,
      moments: new Map([
        [
          'one',
          [
            { segment: [2, 8], score: 1 },
            { segment: [0, 1], score: 0 },
          ],
        ],
      ]),
    });
    assert.equal(metrics['HL-mAP-VeryGood'], 50);
    assert.equal(metrics['HL-mAP-Good'], 100 * ((1 + 1 / 2) / 2));
    assert.equal(metrics['HL-Hit1-VeryGood'], 100);
    assert.equal(metrics['R1@0.7'], 100);
    assert.equal(metrics['mAP-short'], 100);
    assert.ok(!('mAP-long' in metrics));
    assert.deepEqual([domains, count], [undefined, 1]);
  });

  it('TVSum and YouTube Highlights: without moments, by domain', () => {
    const clips = [
      [0, 2],
      [2, 4],
      [4, 6],
    ] as const;
    const scored = (benchmark: 'tvsum' | 'youtube-highlights', ...scores: number[]) => ({
      duration: 6,
      saliency: { benchmark, clips, scores: [scores] },
    });
    const curves = predicted({ dog1: [3, 2, 1], dog2: [1, 2, 3], cat1: [3, 2, 1] }, 2);
    const of = (benchmark: 'tvsum' | 'youtube-highlights') =>
      evaluatePredictions(
        dataOf({
          dog1: scored(benchmark, 1, 0, -1),
          dog2: scored(benchmark, 1, 0, -1),
          cat1: scored(benchmark, 1, 1, 1),
        }),
        'validation',
        curves,
      );
    const last = 100 * ((0 + 1 / 3) / 2);
    const rounded = (values: object) =>
      JSON.parse(JSON.stringify(values, (_, v) => (typeof v === 'number' ? Number(v.toFixed(9)) : v)));
    assert.deepEqual(
      rounded(of('youtube-highlights')),
      rounded({
        ...{
          metrics: { 'HL-mAP': ((100 + last) / 2 + 100) / 2 },
          domains: { cat: 100, dog: (100 + last) / 2 },
        },
        ...{ count: 3, kinds: {} },
      }),
    );
    // No clip of the cat is above its median.
    assert.deepEqual(rounded(of('tvsum').domains!), rounded({ cat: 0, dog: (100 + last) / 2 }));
    const mixed = dataOf({ dog1: scored('tvsum', 1, 2, 3), cat1: scored('youtube-highlights', 1, 0, 0) });
    assert.throws(() => evaluatePredictions(mixed, 'validation', curves), /counted by different rules/);
    assert.throws(
      () => evaluatePredictions(dataOf({ dog1: { duration: 6 } }), 'validation', curves),
      /moments or highlights/,
    );
  });

  it('a score is that of the clip whose middle is nearest, where clips overlap too', () => {
    const clips = Array.from({ length: 4 }, (_, i) => [i, i + 2] as const);
    assert.deepEqual(scoresAt({ start: 0, stride: 1, window: 2, scores: [1, 2, 3, 4] }, clips), [1, 2, 3, 4]);
    assert.deepEqual(
      scoresAt({ start: 0, stride: 4, window: 4, scores: [1, 2] }, [
        [0, 2],
        [2, 4],
        [4, 6],
        [9, 11],
      ]),
      [1, 1, 2, 2],
    );
  });
});
