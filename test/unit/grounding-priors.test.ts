import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { HostRandom } from '../../src/data/host-random.js';
import { WordVectors } from '../../src/data/text/words.js';
import type { Priors } from '../../src/datasets/priors/priors.js';
import { openPriors } from '../../src/datasets/priors/read-priors.js';
import type { VideoItem } from '../../src/datasets/video-dataset.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { mostEvents, PriorReader } from '../../src/models/grounding/priors/prior-reader.js';
import { standInPriors } from '../../src/models/grounding/priors/stand-in-priors.js';
import { madeFolders } from '../support/dataset-folder.js';

const makeFolder = madeFolders('grounding-priors');
const span = (text: string, start: number, end: number) => ({ text, start, end });
const good = {
  a: {
    events: [span('a man jumps', 2, 6), span('he sits', 6, 12)],
    captions: [span('jumps', 0, 6), span('sits', 6, 12)],
  },
  b: { events: [span('a man runs', 1, 3)], captions: [] },
};
const rows = (shape: number[], first: number) => ({
  ...{ dtype: 'f32' as const, shape },
  data: Float32Array.from({ length: shape.reduce((x, y) => x * y) }, (_, i) => first + i),
});
const stored = () => ({
  'a/events': rows([2, 3], 0),
  'a/captions': rows([2, 3], 10),
  'b/events': rows([1, 3], 20),
});
const folderOf = (json: object, tensors?: object) =>
  makeFolder({
    'priors.json': json,
    ...(tensors && { 'priors.safetensors': encodeSafetensors(tensors as never) }),
  });
const opened = (json: object, tensors?: object) => openPriors(join(folderOf(json, tensors), 'priors.json'));

describe('a file of priors', () => {
  it('has events and captions of videos, with embeddings where they lie beside it', async () => {
    const plain = await opened(good);
    assert.deepEqual([plain.ids, plain.channels], [['a', 'b'], undefined]);
    assert.deepEqual(plain.of('a')!.events[1], { text: 'he sits', segment: [6, 12] });
    assert.equal(plain.of('a')!.embeddings, undefined);
    assert.equal(plain.of('c'), undefined);
    const embedded = await opened(good, stored());
    assert.equal(embedded.channels, 3);
    const { events, captions } = await embedded.of('a')!.embeddings!();
    assert.deepEqual(
      [[...events], [...captions]],
      [
        [0, 1, 2, 3, 4, 5],
        [10, 11, 12, 13, 14, 15],
      ],
    );
    assert.deepEqual((await embedded.of('b')!.embeddings!()).captions, new Float32Array(0));
    await embedded.close();
  });

  it('is refused by the name of what is wrong', async () => {
    const a = good.a;
    const wrong: readonly [object, RegExp, object?][] = [
      [{}, /no video is in it/],
      [{ a: { events: [] } }, /a: captions is missing/],
      [{ a: { ...a, event: [] } }, /unknown field event, did you mean events/],
      [{ a: { ...a, events: [span(' ', 0, 1)] } }, /events\[0\]: text is " "/],
      [{ a: { ...a, events: [span('x', 3, 3)] } }, /events\[0\]: it starts at 3, and ends at 3/],
      [{ a: { ...a, captions: [span('x', -1, 3)] } }, /captions\[0\]: start is -1/],
      [{ a: { ...a, captions: [{ ...span('x', 1, 3), begin: 2 }] } }, /unknown field begin/],
      [good, /holds no tensor b\/events/, { ...stored(), 'b/events': undefined }],
      [
        good,
        /a\/captions must be \[2, 3\] in f32 or f16, not \[1, 3\]/,
        { ...stored(), 'a/captions': rows([1, 3], 0) },
      ],
      [good, /b\/events must be \[1, 3\].*not \[1, 4\]/, { ...stored(), 'b/events': rows([1, 4], 0) }],
    ];
    for (const [json, message, tensors] of wrong) {
      const kept = tensors && Object.fromEntries(Object.entries(tensors).filter(([, value]) => value));
      await assert.rejects(opened(json, kept), (error: Error) => {
        assert.ok(error instanceof FileFormatError, `${error}`);
        assert.match(error.message, message);
        return true;
      });
    }
    await assert.rejects(openPriors('/nowhere/priors.json'), FileAccessError);
    await assert.rejects(openPriors('priors.txt'), OptionError);
    const infinite = stored();
    infinite['a/events'].data[1] = Number.POSITIVE_INFINITY;
    const priors = await opened(good, infinite);
    await assert.rejects(priors.of('a')!.embeddings!(), /a\/events holds numbers that are not finite/);
    await priors.close();
  });
});

describe('what stands in for priors', () => {
  const video: VideoItem = {
    id: 'v',
    duration: 20,
    annotations: {
      segments: [{ label: 'LONG_JUMP', segment: [4, 8] }],
      queries: [
        { id: 1, text: 'a man jumps', kind: '', excerpt: [2, 14], windows: [[2, 6]] },
        { id: 2, text: 'the end', kind: '', excerpt: [0, 20], windows: [[15, 19]] },
      ],
    },
  };
  const captions = [{ text: 'long jump', segment: [4, 8] }];

  it('is made of queries or classes; shifted moments cover nothing of the true ones', () => {
    const of = (kind: 'true' | 'classes' | 'shifted') => standInPriors([video], kind).of('v')!;
    const [jump, end] = [
      { text: 'a man jumps', segment: [4, 8] },
      { text: 'the end', segment: [15, 19] },
    ];
    assert.deepEqual(of('true'), { events: [jump, end], captions });
    assert.deepEqual(of('classes'), { events: captions, captions });
    assert.deepEqual(of('shifted').events, [
      { text: 'a man jumps', segment: [8, 12] },
      { text: 'the end', segment: [11, 15] },
    ]);
  });

  it('leaves out videos of which nothing is known', () => {
    const bare = { ...video, id: 'bare', annotations: {} };
    assert.deepEqual(standInPriors([video, bare], 'true').ids, ['v']);
    assert.throws(() => standInPriors([video], 'guessed' as never), OptionError);
  });
});

describe('priors of a window', () => {
  const table = new WordVectors(['jumps', 'sits', 'man'], Float32Array.of(1, 0, 0, 1, 2, 2));
  const reader = async (json: object, tensors?: object) =>
    new PriorReader(await opened(json, tensors), table);
  const random = () => new HostRandom(1);

  it('have the clips of events, the mean of the words that are known, and the caption of each clip', async () => {
    const priors = await reader(good);
    assert.equal(priors.channels, 2);
    // From second 4 on, clips of 2 s.
    const { events, captions } = await priors.read('a', { window: [4, 10], clips: 3, unit: 2 }, random());
    assert.deepEqual(
      events.map(({ embedding, clips }) => [[...embedding], clips]),
      [
        [
          [1.5, 1],
          [0, 1],
        ],
        [
          [0, 1],
          [1, 3],
        ],
      ],
    );
    assert.deepEqual(
      captions.map((one) => one && [...one]),
      [
        [1, 0],
        [0, 1],
        [0, 1],
      ],
    );
    const none = await priors.read('c', { window: [4, 10], clips: 3, unit: 2 }, random());
    assert.deepEqual(none, { events: [], captions: [] });
  });

  it('have embeddings of the file, clips without captions, and a clip for events that cover no middle', async () => {
    const priors = await reader(good, stored());
    assert.equal(priors.channels, 3);
    const seen = await priors.read('b', { window: [0, 12], clips: 2, unit: 6 }, random());
    assert.deepEqual(seen.captions, [undefined, undefined]);
    assert.deepEqual(seen.events, [{ embedding: Float32Array.of(20, 21, 22), clips: [0, 1] }]);
    // The event lies before the window.
    assert.deepEqual((await priors.read('b', { window: [6, 12], clips: 3, unit: 2 }, random())).events, []);
    await priors.priors.close();
  });

  it('have as many events as there is room for, drawn by the seed', async () => {
    const events = Array.from({ length: 30 }, (_, i) => span('man jumps', i, i + 1));
    const priors = await reader({ a: { events, captions: [] } });
    const read = (seed: number) =>
      priors.read('a', { window: [0, 30], clips: 30, unit: 1 }, new HostRandom(seed));
    const first = await read(1);
    assert.equal(first.events.length, mostEvents);
    assert.deepEqual(await read(1), first);
    assert.notDeepEqual(await read(2), first);
  });

  it('are refused where no video is told of, and texts that cannot be embedded', async () => {
    const priors = await reader(good);
    priors.check(['a']);
    assert.throws(() => priors.check(['c', 'd']), /tells of none of the videos/);
    const strange = await reader({ a: { ...good.a, events: [span('he swims', 0, 1)] } });
    assert.throws(() => strange.check(['a']), /no word of "he swims" has a vector/);
    const empty: Priors = { name: 'none', ids: [], of: () => undefined, close: async () => {} };
    assert.throws(() => new PriorReader(empty, table).check(['a']), OptionError);
  });
});
