import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { excerptsOf } from '../../src/datasets/excerpts.js';
import type { VideoDataset, VideoItem } from '../../src/datasets/video-dataset.js';
import { OptionError } from '../../src/errors.js';

const video: VideoItem = {
  id: 'a',
  duration: 25,
  annotations: {
    segments: [
      { label: 'walk', segment: [2, 12] },
      { label: 'sit', segment: [9.8, 11] },
      { label: 'walk', segment: [24, 25] },
    ],
  },
  features: async () => ({
    ...{ steps: 25, channels: 1, stride: 1, window: 1 },
    data: Float32Array.from({ length: 25 }, (_, i) => i),
  }),
  signal: async () => ({
    ...{ rate: 10, channels: ['x'], duration: 25 },
    read: (start, end) =>
      Float32Array.from({ length: Math.round((end - start) * 10) }, (_, i) => Math.round(start * 10) + i),
  }),
};
const data: VideoDataset = {
  ...{ name: 'made', classes: ['walk', 'sit'], splits: ['train'] },
  items: () => [video, { id: 'short', duration: 4, annotations: { labels: ['sit'] } }],
  close: async () => {},
};

describe('excerpts on a fixed grid', () => {
  const items = excerptsOf(data, 10).items('train');

  test('all of a video is in an excerpt; the last one ends with it', () => {
    assert.deepEqual(
      items.map(({ id, duration }) => [id, duration]),
      [
        ['a@0', 10],
        ['a@10', 10],
        ['a@15', 10],
        ['short@0', 4],
      ],
    );
  });

  test('segments are cut, and less than half a second is nothing', () => {
    assert.deepEqual(
      items.map(({ annotations }) => annotations),
      [
        { segments: [{ label: 'walk', segment: [2, 10] }], labels: ['walk'] },
        {
          segments: [
            { label: 'walk', segment: [0, 2] },
            { label: 'sit', segment: [0, 1] },
          ],
          labels: ['walk', 'sit'],
        },
        { segments: [{ label: 'walk', segment: [9, 10] }], labels: ['walk'] },
        { labels: ['sit'] },
      ],
    );
  });

  test('features and signals are those of the excerpt', async () => {
    const { steps, data: rows } = await items[1]!.features!();
    assert.deepEqual([steps, ...rows], [10, ...Array.from({ length: 10 }, (_, i) => 10 + i)]);
    const signal = await items[2]!.signal!();
    assert.deepEqual([...signal.read(1, 1.3)], [160, 161, 162]);
    assert.equal(signal.duration, 10);
  });

  test('the same items each time, and wrong arguments are refused', () => {
    const cut = excerptsOf(data, 10);
    assert.equal(cut.items('train'), cut.items('train'));
    assert.throws(() => excerptsOf(data, 0), OptionError);
    assert.throws(() => excerptsOf({} as VideoDataset, 1), OptionError);
  });
});
