import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WordVectors } from '../../src/data/text/words.js';
import type { Annotations, VideoDataset } from '../../src/datasets/video-dataset.js';
import { FeatureError, OptionError } from '../../src/errors.js';
import { mapDiffusionSpec } from '../../src/models/map-diffusion/spec.js';
import { momentRecipes } from '../../src/models/map-diffusion/training.js';
import { plannedRuntime } from '../../src/models/mdvlm/plan/planned-device.js';

const jump = { label: 'HighJump', segment: [1, 4] } as const;
const query = { id: 0, text: 'a jump', excerpt: [0, 9], windows: [[1, 4]], kind: '' } as const;

/** A data set of one video. */
const datasetOf = (annotations: Annotations): VideoDataset => ({
  name: 'made',
  classes: ['HighJump', 'Diving'],
  splits: ['train'],
  items: () => [
    {
      id: 'a',
      duration: 9,
      annotations,
      features: async () => ({
        ...{ steps: 14, channels: 1024, data: new Float32Array(14 * 1024) },
        ...{ stride: 0.64, window: 0.64 },
      }),
    },
  ],
  close: async () => {},
});

const table = new WordVectors(['a', 'jump', 'high', 'diving'], new Float32Array(4 * 300));

async function prepared(annotations: Annotations, training: object = {}, binding = 2 ** 31) {
  const limits = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: binding };
  const runtime = await plannedRuntime({ f16: true, limits });
  try {
    const recipe = momentRecipes['charades-sta']!;
    const changed = { ...recipe, training: { ...recipe.training, batch: 1, ...training } };
    const inputs = { data: datasetOf(annotations), words: { table } };
    const { task, settings, warnings } = await mapDiffusionSpec.prepare(runtime, changed, inputs);
    task[Symbol.dispose]();
    return { settings, warnings };
  } finally {
    runtime.destroy();
  }
}

describe('a training of map diffusion', () => {
  it('asks queries, or the classes of segments', async () => {
    const annotations = { queries: [query], segments: [jump] };
    assert.deepEqual(await prepared(annotations), { settings: { examples: 1 }, warnings: [] });
    // The class of the video, and one that it lacks.
    assert.deepEqual((await prepared(annotations, { sentences: 'labels' })).settings, { examples: 2 });
  });

  it('says what is missing, and that there are labels', async () => {
    await assert.rejects(prepared({ segments: [jump] }), (error) => {
      assert.ok(error instanceof OptionError);
      assert.match(error.message, /no query of the split train.*training\.sentences=labels/);
      return true;
    });
    await assert.rejects(
      prepared({ queries: [query] }, { sentences: 'labels' }),
      /no video of the split train of made has labelled segments/,
    );
    await assert.rejects(
      prepared({ queries: [query] }, { sentences: 'words' }),
      /sentences must be queries or labels/,
    );
  });

  it('refuses a device that cannot bind its largest weight, before it allocates any', async () => {
    await assert.rejects(prepared({ queries: [query] }, {}, 2 ** 27), (error) => {
      assert.ok(error instanceof FeatureError);
      assert.match(
        error.message,
        /decoders\.0\.blocks\.0\.conv\.weight .*has 454557696 bytes, this adapter binds 134217728/,
      );
      return true;
    });
  });
});
