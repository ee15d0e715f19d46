import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostRandom } from '../../src/data/host-random.js';
import { joinCurves } from '../../src/models/common/join-curves.js';
import { clipTargets } from '../../src/models/grounding/clip-targets.js';

const random = (seed = 1) => new HostRandom(seed);

describe('targets of clips', () => {
  it('moments are parts of the clips, cut to them', () => {
    const { spans, moments, levels } = clipTargets(
      { clips: 5, unit: 2 },
      [
        [2, 6],
        [9, 14],
      ],
      undefined,
      [0, 4],
      random(),
    );
    assert.deepEqual(
      spans.map((span) => span.map((x) => Math.round(1e6 * x) / 1e6)),
      [
        [0.4, 0.4],
        [0.95, 0.1],
      ],
    );
    assert.deepEqual(moments, [false, true, true, false, true]);
    // Without scores a clip of a moment has the first rank.
    assert.deepEqual(levels, [0, 1, 1, 0, 1]);
  });

  it('of features of overlapping clips each has the score of its own clip', () => {
    // As in YouTube Highlights: clips of 100 frames, 50 apart.
    const clips = [0, 1, 2, 3].map((i): [number, number] => [i, i + 2]);
    const saliency = { clips, scores: [[1, 0, 0, 1]] };
    const { levels } = clipTargets({ clips: 4, unit: 1, clipSeconds: 2 }, [], saliency, [0, 1], random());
    assert.deepEqual(levels, [12, 0, 0, 12]);
  });

  it('ranks are in proportion to the mean of the annotators', () => {
    const of = (scores: number[][], range: [number, number]) =>
      clipTargets(
        { clips: 3, unit: 2 },
        [],
        {
          clips: [
            [0, 2],
            [2, 4],
            [4, 6],
          ],
          scores,
        },
        range,
        random(),
      ).levels;
    // QVHighlights adds up three annotators from 0 to 4, TVSum has twenty from 1 to 5.
    assert.deepEqual(
      of(
        [
          [4, 2, 0],
          [4, 3, 1],
          [4, 1, 0],
        ],
        [0, 4],
      ),
      [12, 6, 1],
    );
    assert.deepEqual(
      of(
        [
          [5, 3, 1],
          [1, 3, 1],
        ],
        [1, 5],
      ),
      [6, 6, 0],
    );
    assert.deepEqual(of([[1, 0, -1]], [0, 1]), [12, 0, 0]);
    assert.deepEqual(
      of(
        [
          [4, Number.NaN, 0],
          [Number.NaN, Number.NaN, 2],
        ],
        [0, 4],
      ),
      [12, 0, 3],
    );
  });

  it('clips that were not scored have rank 0, and of overlapping ones the nearest counts', () => {
    const { levels } = clipTargets(
      { clips: 4, unit: 1 },
      [[1, 3]],
      {
        clips: [
          [0.6, 2.6],
          [2, 4],
        ],
        scores: [[2, 4]],
      },
      [0, 4],
      random(),
    );
    assert.deepEqual(levels, [0, 6, 12, 12]);
  });

  it('pairs are the right way round, the hard ones first', () => {
    const scores = [[0, 4, 1, 3, 2, 0]];
    const clips = scores[0]!.map((_, i): [number, number] => [i, i + 1]);
    for (let seed = 0; seed < 20; seed++) {
      const { pairs, levels } = clipTargets(
        { clips: 6, unit: 1 },
        [],
        { clips, scores },
        [0, 4],
        random(seed),
      );
      assert.equal(pairs.length, 4);
      assert.deepEqual(pairs[0], [1, 5]);
      assert.deepEqual(pairs[1], [3, 0]);
      for (const [higher, lower] of pairs) assert.ok(levels[higher]! > levels[lower]!);
    }
  });

  it('there is no pair where all clips are alike', () => {
    const { pairs } = clipTargets({ clips: 3, unit: 1 }, [[0, 3]], undefined, [0, 4], random());
    assert.deepEqual(pairs, Array(4).fill([-1, -1]));
  });

  it('of many moments five are drawn, by the seed', () => {
    const windows = Array.from({ length: 9 }, (_, i): [number, number] => [i, i + 0.5]);
    const of = (seed: number) => clipTargets({ clips: 9, unit: 1 }, windows, undefined, [0, 4], random(seed));
    assert.equal(of(1).spans.length, 5);
    assert.deepEqual(of(1), of(1));
    assert.notDeepEqual(of(1).spans, of(2).spans);
    // All are moments, drawn or not.
    assert.ok(of(1).moments.length === 9);
  });
});

describe('curves of windows', () => {
  it('are joined by their mean', () => {
    const joined = joinCurves([
      { start: 10, stride: 2, window: 2, scores: [1, 2, 3, 4] },
      { start: 14, stride: 2, window: 2, scores: [5, 6, 7, 8] },
    ]);
    assert.deepEqual(joined, { start: 10, stride: 2, window: 2, scores: [1, 2, 4, 5, 7, 8] });
  });

  it('have 0 where nothing was told', () => {
    const joined = joinCurves([
      { start: 0, stride: 1, window: 1, scores: [1] },
      { start: 2, stride: 1, window: 1, scores: [3] },
    ]);
    assert.deepEqual(joined.scores, [1, 0, 3]);
  });
});
