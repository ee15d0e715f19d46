import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Recordings } from '../../src/data/formats/recordings.js';
import { loadWordVectors } from '../../src/data/text/words.js';
import { actionNames } from '../../src/data/world/actions.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { mapDiffusionConfigs } from '../../src/models/map-diffusion/config.js';
import { unknownClass } from '../../src/models/map-diffusion/examples.js';
import { RecordingExamples } from '../../src/models/map-diffusion/recording-examples.js';
import { WorldExamples } from '../../src/models/map-diffusion/world-examples.js';

const words = await loadWordVectors(
  fileURLToPath(new URL('../../../checkpoints/words/glove-100d.safetensors', import.meta.url)),
);

describe('examples of moment models', () => {
  it('of the built-in world say what is done in the middle of each second', () => {
    const data = new WorldExamples(mapDiffusionConfigs.world, 'validation', 10, 2, words);
    for (let i = 0; i < data.size; i++) {
      const { actions, duration } = worldVideo(worldSeed('validation', i));
      const { classes, clips } = data.example(i);
      assert.equal(clips, duration);
      assert.equal(classes!.length, clips);
      for (const [second, kind] of classes!.entries()) {
        const action = actions.find(({ name }) => name === actionNames[kind]);
        assert.ok(action, `second ${second} of video ${i} shows something that never happens in it`);
        const covering = actions.filter(({ start, end }) => start <= second + 0.5 && second + 0.5 < end);
        assert.deepEqual(
          covering.map(({ name }) => name),
          [actionNames[kind]],
        );
      }
    }
  });

  it('of recordings say the class of each clip of the excerpt, and where it has none', () => {
    const { hapt } = mapDiffusionConfigs;
    const channels = Array.from({ length: hapt.clips.channels }, (_, i) => `channel ${i}`);
    const rate = 50;
    const recordings: Recordings = {
      rate,
      channels,
      classes: ['walking', 'sitting', 'lying'],
      byName: new Map([
        [
          'exp01_user01',
          {
            name: 'exp01_user01',
            split: 'train',
            duration: 30,
            segments: [
              { label: 'sitting', segment: [3, 15] },
              { label: 'walking', segment: [18, 30] },
            ],
            signal: (start, end) => new Float32Array(Math.round((end - start) * rate) * channels.length),
          },
        ],
      ]),
    };
    const query = {
      qid: 1,
      vid: 'exp01_user01',
      excerpt: [6, 24],
      duration: 18,
      kind: 'single',
      query: 'someone sits',
      windows: [[0, 9]],
    } as const;
    const { classes, clips } = new RecordingExamples(hapt, recordings, [query], words).example(0);
    assert.equal(clips, 12);
    assert.deepEqual(classes, [1, 1, 1, 1, 1, 1, unknownClass, unknownClass, 0, 0, 0, 0]);
  });
});
