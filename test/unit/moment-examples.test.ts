import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HostRandom } from '../../src/data/host-random.js';
import { loadWordVectors, WordVectors } from '../../src/data/text/words.js';
import { actionNames } from '../../src/data/world/actions.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { worldDataset } from '../../src/datasets/world-dataset.js';
import { OptionError } from '../../src/errors.js';
import { AskedExamples } from '../../src/models/map-diffusion/asked-examples.js';
import type { AskedWindow } from '../../src/models/map-diffusion/asked-windows.js';
import { mapDiffusionConfigs } from '../../src/models/map-diffusion/config.js';
import { unknownClass } from '../../src/models/map-diffusion/examples.js';

const words = await loadWordVectors(
  fileURLToPath(new URL('../../../checkpoints/words/glove-100d.safetensors', import.meta.url)),
);
const { hapt, world } = mapDiffusionConfigs;
const channels = Array.from({ length: hapt.clips.channels }, (_, i) => `channel ${i}`);
const rate = 50;

/** A window of a signal in which sample s of all channels is s. */
function signalWindow(
  window: readonly [number, number],
  { duration = 30, names = channels }: { duration?: number; names?: readonly string[] } = {},
): AskedWindow {
  const signal = {
    ...{ rate, channels: names, duration },
    read: (start: number, end: number) =>
      Float32Array.from(
        { length: Math.round((end - start) * rate) * names.length },
        (_, i) => Math.round(start * rate) + Math.floor(i / names.length),
      ),
  };
  return {
    video: {
      duration,
      annotations: {
        segments: [
          { label: 'sitting', segment: [3, 15] },
          { label: 'walking', segment: [18, 30] },
        ],
      },
      signal: async () => signal,
    },
    window,
    sentences: [
      { text: 'someone sits', windows: [[0, 9]] },
      { text: 'someone frobnicates', windows: [[12, 18]] },
    ],
  };
}

describe('windows of videos as examples of moment models', () => {
  it('of the built-in world say what is done in the middle of each second', async () => {
    const asked = worldDataset()
      .items('validation')
      .slice(0, 10)
      .map((video): AskedWindow => {
        const sentences = video.annotations.queries!;
        return { video, window: [0, video.duration], sentences };
      });
    const data = new AskedExamples(world, asked, words, { queries: 2, classes: actionNames });
    for (let i = 0; i < data.size; i++) {
      const { actions, duration } = worldVideo(worldSeed('validation', i));
      const { classes, clips, queries } = await data.example(i);
      assert.equal(clips, duration);
      assert.equal(queries.length, 2);
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

  it('of signals say the class of each clip of the window, and where it has none', async () => {
    const classes = ['walking', 'sitting', 'lying'];
    const data = new AskedExamples(hapt, [signalWindow([6, 24])], words, { classes });
    const example = await data.example(0);
    assert.equal(example.clips, 12);
    assert.deepEqual(example.classes, [1, 1, 1, 1, 1, 1, unknownClass, unknownClass, 0, 0, 0, 0]);
    const alone = new AskedExamples(hapt, [signalWindow([6, 24])], words, { classes: ['walking'] });
    const { classes: known } = await alone.example(0);
    assert.deepEqual(known, [...Array(8).fill(unknownClass), 0, 0, 0, 0]);
    const none = await new AskedExamples(hapt, [signalWindow([6, 24])], words).example(0);
    assert.equal(none.classes, undefined);
  });

  it('have the sentences of their window in turn, and tell words without a vector', async () => {
    const data = new AskedExamples(hapt, [signalWindow([6, 24])], words, { queries: 3 });
    assert.deepEqual([data.size, data.queries, data.words, data.spans], [1, 3, 2, 1]);
    assert.deepEqual(data.unknownWords, ['frobnicates']);
    const { queries, duration } = await data.example(0);
    assert.equal(duration, 18);
    assert.deepEqual(
      queries.map(({ spans }) => spans),
      [[[0, 9]], [[12, 18]], [[0, 9]]],
    );
  });

  it('that are longer than the model sees are cut in training, and their moments with them', async () => {
    // The model sees 96 s.
    const long = signalWindow([10, 210], { duration: 300 });
    const asked = [{ ...long, sentences: [{ text: 'someone sits', windows: [[150, 160]] as const }] }];
    const data = new AskedExamples(hapt, asked, words);
    await assert.rejects(data.example(0), OptionError);
    for (let seed = 0; seed < 20; seed++) {
      const { video, duration, queries } = await data.example(0, new HostRandom(seed));
      assert.ok(Math.abs(duration - 96) < 0.05);
      const first = video[0]! / rate - 10;
      const [[start, end]] = queries[0]!.spans as [readonly [number, number]];
      assert.ok(start < end && end - start >= 0.9, `${start} to ${end}`);
      assert.ok(Math.abs(Math.max(150 - first, 0) - start) < 0.05, `${start} from ${first}`);
      assert.ok(Math.abs(Math.min(160 - first, 96) - end) < 0.05, `${end} from ${first}`);
    }
  });

  it('are refused where they are not what the model looks at', async () => {
    const right = signalWindow([0, 20]);
    const make = (asked: readonly unknown[], table = words, options = {}) =>
      new AskedExamples(hapt, asked as AskedWindow[], table, options);
    const { signal: _, ...without } = right.video;
    for (const [change, message] of [
      [[], /asked/],
      [[{ ...right, video: without }], /asked\[0\]\.video\.signal/],
      [[{ ...right, window: [3, 2] }], /asked\[0\]\.window/],
      [[right, { ...right, sentences: [] }], /asked\[1\]\.sentences/],
      [[{ ...right, sentences: [{ text: 'qzx', windows: [] }] }], /knows no word of the query "qzx"/],
    ] as const) {
      assert.throws(
        () => make(change),
        (error) => error instanceof OptionError && message.test(error.message),
      );
    }
    assert.throws(() => make([right], new WordVectors(['someone'], new Float32Array(8))), /100 numbers.* 8/);
    assert.throws(() => make([right], words, { query: 2 }), /unknown option query/);
    await assert.rejects(make([right]).example(1), OptionError);
    const other = make([signalWindow([0, 20], { names: ['x', 'y'] })]);
    await assert.rejects(other.example(0), /reads 6 channels, the signal has 2: x, y/);
    await assert.rejects(make([signalWindow([0, 100], { duration: 100 })]).example(0), /sees 96 s at a time/);
  });
});
