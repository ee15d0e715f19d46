import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foldsOf } from '../../src/datasets/folds.js';
import type { VideoDataset, VideoItem } from '../../src/datasets/video-dataset.js';
import { OptionError } from '../../src/errors.js';

const video = (i: number): VideoItem => ({
  id: `video${i}_user${i % 6}`,
  duration: 10,
  annotations: { labels: [i < 10 ? 'a' : 'b'] },
});
const splits: Readonly<Record<string, readonly VideoItem[]>> = {
  train: Array.from({ length: 15 }, (_, i) => video(i)),
  validation: Array.from({ length: 5 }, (_, i) => video(15 + i)),
};
const data: VideoDataset = {
  ...{ name: 'made', classes: ['a', 'b'], splits: Object.keys(splits) },
  items: (split) => splits[split]!,
  close: async () => {},
};
const ids = (fold: VideoDataset, split: string) => fold.items(split).map(({ id }) => id);

describe('foldsOf', () => {
  it('tests on each video once, and trains on all others', () => {
    const folds = foldsOf(data, 5);
    const all = [...splits.train!, ...splits.validation!].map(({ id }) => id);
    assert.deepEqual(folds.flatMap((fold) => ids(fold, 'test')).sort(), [...all].sort());
    for (const fold of folds) {
      const both = [...ids(fold, 'train'), ...ids(fold, 'test')];
      assert.deepEqual(both.sort(), [...all].sort());
      // Ten videos of each class are dealt to five folds.
      const labels = fold.items('test').map(({ annotations }) => annotations.labels![0]);
      assert.deepEqual(labels.sort(), ['a', 'a', 'b', 'b']);
    }
    assert.deepEqual(
      foldsOf(data, 5).map((fold) => ids(fold, 'test')),
      folds.map((fold) => ids(fold, 'test')),
    );
    assert.equal(new Set(folds.map(({ name }) => name)).size, 5);
  });

  it('keeps groups together, and takes some splits only', () => {
    const user = (id: string) => id.split('_')[1]!;
    for (const fold of foldsOf(data, 3, { splits: ['train'], groupOf: user })) {
      const trained = new Set(ids(fold, 'train').map(user));
      assert.ok(ids(fold, 'test').every((id) => !trained.has(user(id))));
      assert.equal(fold.items('train').length + fold.items('test').length, 15);
    }
  });

  it('refuses more folds than groups, and other splits', () => {
    assert.throws(() => foldsOf(data, 7, { groupOf: (id) => id.split('_')[1]! }), OptionError);
    assert.throws(() => foldsOf(data, 1), OptionError);
    assert.throws(() => foldsOf(data, 2)[0]!.items('validation'), OptionError);
  });
});
