import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { VideoItem } from '../../src/datasets/video-dataset.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { evaluatePredictions } from '../../src/models/common/evaluate-predictions.js';
import { openModel } from '../../src/models/open-model.js';
import { bagsOf, readBag } from '../../src/models/wtal/bags.js';
import { wtalObjectives } from '../../src/models/wtal/objective.js';
import type { OpenedWtal } from '../../src/models/wtal/opened.js';
import { wtalRecipes } from '../../src/models/wtal/recipes.js';
import { wtalSpec } from '../../src/models/wtal/spec.js';
import { checkWtalRecipe, type WtalRecipe } from '../../src/models/wtal/training.js';
import { testRuntime } from '../support/runtime.js';
import { fitWtal, madeDataset, madeVideo, madeVideos, smallRecipes } from '../support/wtal-videos.js';

const runtime = await testRuntime();
/** Without guidance no words are needed. */
const words = undefined as never;
const videos = madeVideos();

/** A recording of 25 s of two sensors of one axis, 10 samples a second: it moves from second 5 to 12. */
function madeRecording(id: string): VideoItem {
  const value = (sample: number) => (sample >= 50 && sample < 120 ? Math.sin(sample) : 0);
  return {
    id,
    duration: 25,
    annotations: { segments: [{ label: 'dog', segment: [5, 12] }] },
    signal: async () => ({
      ...{ rate: 10, channels: ['x', 'y'], duration: 25 },
      read: (start, end) =>
        Float32Array.from({ length: 2 * Math.round((end - start) * 10) }, (_, i) =>
          value(Math.round(start * 10) + (i >> 1)),
        ),
    }),
  };
}

const sensors: WtalRecipe = {
  ...wtalRecipes['co2net-hapt']!,
  model: {
    ...wtalRecipes['co2net-hapt']!.model,
    snippets: {
      ...{ kind: 'signal', modalities: [1, 1], context: [1], width: 4 },
      stages: [{ channels: 4, kernel: 5, stride: 5 }],
    },
    steps: 20,
    base: { kind: 'co2net', width: 8, attentionWidth: 8 },
  },
};

describe('weakly supervised training', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tal-wtal-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('finds actions by the labels of videos alone, and its folder opens to the same model', async () => {
    const { opened } = await fitWtal(runtime, smallRecipes.delu, words, { folder });
    const found = await opened.predict(videos, 'validation');
    const { metrics } = evaluatePredictions(videos, 'validation', found, { thresholds: [0.5] });
    assert.ok(metrics['mAP@0.50']! > 0.6, JSON.stringify(metrics));
    const again = await openModel(folder, { runtime });
    assert.deepEqual(await again.predict(videos, 'validation'), found);
    again.dispose();
    opened.dispose();
  });

  it('sees a signal in excerpts as long as its bags', async () => {
    const recordings = madeDataset({ train: [madeRecording('a'), madeRecording('b')] });
    const prepared = await wtalSpec.prepare(runtime, sensors, { data: recordings, words });
    const { task } = prepared;
    const opened = prepared.opened as OpenedWtal;
    const judged = await opened.judgedOn(recordings, 'train');
    assert.deepEqual(
      judged.items('train').map(({ id }) => id),
      ['a@0', 'a@10', 'a@15', 'b@0', 'b@10', 'b@15'],
    );
    // The last excerpt of each shows nothing.
    assert.deepEqual(prepared.settings, { bags: 4 });
    opened.loaded.network.initialize(1);
    const [video] = recordings.items('train');
    const { segments } = await opened.localize(video!);
    for (const { segment } of segments) assert.ok(segment[0] >= 0 && segment[1] <= 25);
    const curves = await opened.curves(video!);
    assert.deepEqual(curves.segments, segments);
    assert.equal(curves.attention.length, 50);
    assert.equal(curves.activation('dog').length, 50);
    task[Symbol.dispose]();
    opened.dispose();
  });
});

describe('bags', () => {
  it('have the classes of a video, of its segments where it has no labels', async () => {
    const items = [
      { ...madeVideo('a', 1), annotations: { labels: ['surfing', 'dog', 'surfing'] } },
      { ...madeVideo('b', 2), annotations: { segments: [{ label: 'skating', segment: [0, 1] as const }] } },
      { ...madeVideo('c', 3), annotations: {} },
    ];
    assert.deepEqual(
      bagsOf(madeDataset({ train: items }), 'train').map(({ labels }) => labels),
      [[0, 2], [1]],
    );
    assert.throws(() => bagsOf(madeDataset({ train: [items[2]!] }), 'train'), OptionError);
  });

  it('hold T snippets: drawn ones are a function of the draw, others the first of each part', async () => {
    const video = madeVideo('a', 1);
    const features = await video.features!();
    const bag = (draw?: { seed: number; step: number }) =>
      readBag({ kind: 'features', channels: 16 }, 20, video, draw);
    const first = await bag();
    for (let i = 0; i < 20; i++) assert.equal(first.values[16 * i], features.data[16 * 2 * i]);
    assert.deepEqual(await bag({ seed: 1, step: 2 }), await bag({ seed: 1, step: 2 }));
    assert.notDeepEqual(await bag({ seed: 1, step: 2 }), await bag({ seed: 1, step: 3 }));
    await assert.rejects(readBag({ kind: 'features', channels: 32 }, 20, video), ShapeError);
  });
});

describe('recipes', () => {
  it('are all accepted, and a wrong field is named', () => {
    for (const recipe of Object.values(wtalRecipes)) checkWtalRecipe(recipe);
    const refused = (change: object, message: RegExp) =>
      assert.throws(
        () => checkWtalRecipe({ ...smallRecipes.delu, ...change } as WtalRecipe),
        (error: Error) => error instanceof OptionError && message.test(error.message),
      );
    refused(
      { training: { ...smallRecipes.delu.training, batch: 5 } },
      /coActivity\.pairs is 3, but a batch has 5/,
    );
    refused({ model: { ...smallRecipes.delu.model, base: { kind: 'co2net', width: 16 } } }, /attentionWidth/);
    refused({ model: { ...smallRecipes.delu.model, base: { kind: 'delu' } } }, /base/);
    refused(
      { training: { ...smallRecipes.delu.training, objective: { ...wtalObjectives.binary, x: 1 } } },
      /"?x"?/,
    );
    const { snippets, ...rest } = smallRecipes.delu.model;
    refused({ model: { ...rest, snippets: { ...snippets, channel: 2 } } }, /channel/);
  });
});
