import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostRandom } from '../../src/data/host-random.js';
import { WordVectors } from '../../src/data/text/words.js';
import type { VideoItem } from '../../src/datasets/video-dataset.js';
import { AskedExamples } from '../../src/models/map-diffusion/asked-examples.js';
import { clipReader } from '../../src/models/map-diffusion/clip-reader.js';
import {
  type FeaturesConfig,
  type MapDiffusionConfig,
  mapDiffusionConfigs,
} from '../../src/models/map-diffusion/config.js';
import { featureWarnings } from '../../src/models/map-diffusion/feature-warnings.js';
import { labelSentences, sentenceOfLabel } from '../../src/models/map-diffusion/label-sentences.js';

const stride = 0.5;

/** A video of `steps` rows [10 i + 3, 10 i + 4]. */
function videoOf(steps: number, annotations: VideoItem['annotations'] = {}): VideoItem {
  const data = Float32Array.from({ length: 2 * steps }, (_, i) => 10 * Math.floor(i / 2) + 3 + (i % 2));
  return {
    id: 'a',
    duration: steps * stride,
    annotations,
    features: async () => ({ steps, channels: 2, data, stride, window: stride }),
  };
}

function configOf(clips: Partial<FeaturesConfig>): MapDiffusionConfig {
  return {
    ...mapDiffusionConfigs['charades-sta'],
    layout: { clips: 4, scales: 1, durations: 4 },
    clips: { kind: 'features', channels: 2, pool: 2, ...clips },
    words: { size: 2, hidden: 2, layers: 1, packed: true },
  };
}

const read = (clips: Partial<FeaturesConfig>, steps: number, window: readonly [number, number]) =>
  clipReader(configOf(clips)).read(videoOf(steps), window);

describe('clips of features', () => {
  it('are the rows of a window, channels first, and zeros behind them', async () => {
    const seen = await read({}, 20, [1, 4]);
    assert.deepEqual([...seen.video], [...[23, 33, 43, 53, 63, 73, 0, 0], ...[24, 34, 44, 54, 64, 74, 0, 0]]);
    assert.deepEqual([seen.clips, seen.unit, seen.duration], [3, 1, 3]);
  });

  it('are the middle rows of bins over all of the video', async () => {
    // Bins of 2.5 rows begin at 0, 2, 5, 8, 10, 12, 15, 18 and end at 19.
    const seen = await read({ sampling: 'bins' }, 20, [0, 10]);
    assert.deepEqual([...seen.video.subarray(0, 8)], [13, 33, 63, 93, 113, 133, 163, 183]);
    assert.deepEqual([seen.clips, seen.unit, seen.duration], [4, 2.5, 10]);
    assert.equal(await clipReader(configOf({ sampling: 'bins' })).windowOf(videoOf(20)), 10);
  });

  it('have length 1 where they are normalized', async () => {
    const { video } = await read({ normalize: true }, 20, [1, 4]);
    for (let row = 0; row < 6; row++)
      assert.ok(Math.abs(Math.hypot(video[row]!, video[row + 8]!) - 1) < 1e-6);
    assert.ok(Math.abs(video[0]! / video[8]! - 23 / 24) < 1e-6);
  });
});

describe('crops in training', () => {
  it('begin at a row, and move the moments with them', async () => {
    const video = videoOf(60);
    const words = new WordVectors(['jump'], new Float32Array(2));
    const window = [0, 30] as const;
    const sentences = [{ text: 'jump', windows: [[11, 13.25]] as const }];
    const examples = new AskedExamples(configOf({}), [{ video, window, sentences }], words);
    const starts = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const { video: rows, queries } = await examples.example(0, new HostRandom(seed));
      const start = (stride * (rows[0]! - 3)) / 10;
      starts.add(start);
      const [span] = queries[0]!.spans;
      assert.deepEqual(span, [Math.max(11 - start, 0), Math.min(13.25 - start, 4)]);
    }
    assert.ok(starts.size > 5, [...starts].join(', '));
  });
});

describe('labels as sentences', () => {
  it('are the words of their names', () => {
    assert.equal(sentenceOfLabel('CleanAndJerk'), 'clean and jerk');
    assert.equal(sentenceOfLabel('long_jump  2'), 'long jump 2');
    assert.equal(sentenceOfLabel('Doing karate'), 'doing karate');
  });

  it('ask for the classes of a video, and for as many others', () => {
    const video = videoOf(20, {
      segments: [
        { label: 'run', segment: [1, 2] },
        { label: 'jump', segment: [3, 4] },
        { label: 'run', segment: [5, 6] },
      ],
    });
    const classes = ['jump', 'swim', 'run', 'throw', 'dive'];
    const [jump, run, ...others] = labelSentences(video, classes, new HostRandom(1));
    assert.deepEqual(jump, { text: 'jump', windows: [[3, 4]] });
    assert.deepEqual(run?.windows, [
      [1, 2],
      [5, 6],
    ]);
    assert.equal(others.length, 2);
    for (const { text, windows } of others) {
      assert.ok(['swim', 'throw', 'dive'].includes(text));
      assert.deepEqual(windows, []);
    }
    assert.equal(labelSentences(videoOf(20, { segments: [] }), classes, new HostRandom(1)).length, 1);
    assert.deepEqual(labelSentences(videoOf(20), classes, new HostRandom(1)), []);
  });
});

describe('warnings of features', () => {
  const warned = (clips: Partial<FeaturesConfig>, steps: number) => {
    const video = videoOf(steps);
    return featureWarnings(configOf(clips), [{ video, window: [0, video.duration] }]);
  };

  it('tell of other strides and of absurd windows, and of nothing else', async () => {
    assert.deepEqual(await warned({ stride }, 20), []);
    assert.deepEqual(await warned({ sampling: 'bins', pool: 8 }, 1), []);
    assert.match((await warned({ stride: 0.64 }, 20)).join(), /0\.5 s apart, the model is meant for 0\.64 s/);
    assert.match((await warned({ pool: 8 }, 1)).join(), /sees 16 s at a time, a typical video is 0\.5 s/);
    assert.match((await warned({ pool: 1 }, 300)).join(), /sees 2 s at a time, a typical video is 150 s/);
  });
});
