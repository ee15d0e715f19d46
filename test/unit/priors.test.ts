import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadWordVectors, WordVectors, wordsOf } from '../../src/data/text/words.js';
import { excerptsOf } from '../../src/datasets/excerpts.js';
import { openDataset } from '../../src/datasets/open-dataset.js';
import type { VideoItem } from '../../src/datasets/video-dataset.js';
import { FileFormatError, OptionError } from '../../src/errors.js';
import { actionPhrases } from '../../src/models/wtal/mllm4wtal/action-phrases.js';
import { CaptionWords } from '../../src/models/wtal/mllm4wtal/caption-words.js';
import { keyVectors } from '../../src/models/wtal/mllm4wtal/key-vectors.js';
import { readPriors, type SemanticPriors, writePriors } from '../../src/models/wtal/mllm4wtal/priors.js';
import { scrambledPriors, standInPriors } from '../../src/models/wtal/mllm4wtal/stand-in-priors.js';
import { missing, sharedData } from '../support/shared-data.js';

const folder = mkdtempSync(join(tmpdir(), 'priors-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const classes = ['jump', 'throw'];
const vectors = new WordVectors(
  ['a', 'man', 'jumps', 'throws', 'ball', 'and'],
  Float32Array.of(1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 6, 2),
);

describe('a file of priors', () => {
  const good = {
    v1: { key: [{ label: 'jump', phrases: ['man jumps', 'jumps'] }], complete: 'a man jumps' },
    v2: {
      key: [{ label: 'throw', phrases: ['throws a ball'] }],
      complete: 'a man throws a ball and jumps',
      order: ['throw', 'jump'],
    },
  };
  const read = (content: unknown) => {
    const path = join(folder, 'priors.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return readPriors(path, { classes, vectors });
  };

  it('is read as it is written', async () => {
    const priors: SemanticPriors = new Map(Object.entries(good));
    const path = join(folder, 'written.json');
    await writePriors(path, priors);
    assert.deepEqual(await readPriors(path, { classes, vectors }), priors);
    assert.deepEqual(await read(good), priors);
  });

  const v1 = good.v1;
  for (const [name, content, message] of [
    ['no JSON', '{', /priors\.json is not JSON/],
    ['no object', [], /is not an object/],
    ['no video', {}, /no video is in it/],
    ['a video without a caption', { v1: { key: [] } }, /v1: complete is missing/],
    ['a blank caption', { v1: { ...v1, complete: ' ' } }, /v1: complete is " "/],
    ['a caption of marks', { v1: { ...v1, complete: '…' } }, /v1: complete/],
    ['another field', { v1: { ...v1, captions: [] } }, /v1: .*captions/],
    [
      'phrases of another type',
      { v1: { ...v1, key: [{ label: 'jump', phrases: 'jumps' }] } },
      /v1: key\[0\]: phrases is/,
    ],
    [
      'no phrases',
      { v1: { ...v1, key: [{ label: 'jump', phrases: [] }] } },
      /v1: key\[0\]: phrases is empty/,
    ],
    [
      'another class',
      { v1: { ...v1, key: [{ label: 'jumps', phrases: ['a'] }] } },
      /v1: key\[0\]: label "jumps" .*mean jump\?/,
    ],
    [
      'a class twice',
      { v1: { ...v1, key: [v1.key[0], v1.key[0]] } },
      /v1: key\[1\]: label jump is there twice/,
    ],
    [
      'an order of other classes',
      { v1: { ...v1, order: ['jump', 'throws'] } },
      /v1: order "throws" .*mean throw\?/,
    ],
    ['an order that is no list', { v1: { ...v1, order: 'jump' } }, /v1: order is/],
    [
      'words without vectors',
      { v1: { ...v1, complete: 'a dog jumps high' } },
      /v1: complete: the word vectors lack "dog", "high"/,
    ],
    [
      'phrases without vectors',
      { v1: { ...v1, key: [{ label: 'jump', phrases: ['a', 'leaps'] }] } },
      /v1: key\[0\]: phrases\[1\]: .*"leaps"/,
    ],
  ] as const) {
    it(`is refused with ${name}`, async () => {
      await assert.rejects(
        read(content),
        (error) => error instanceof FileFormatError && message.test(error.message),
      );
    });
  }
});

describe('key phrases as vectors', () => {
  const priors: SemanticPriors = new Map([
    ['v1', { key: [{ label: 'jump', phrases: ['man jumps', 'ball'] }], complete: 'a' }],
    [
      'v2',
      {
        key: [
          { label: 'jump', phrases: ['and'] },
          { label: 'throw', phrases: ['a'] },
        ],
        complete: 'a',
      },
    ],
  ]);

  it('are means of means, and those of other videos where a video has none', () => {
    const found = keyVectors(priors, classes, vectors);
    assert.deepEqual([...found.get('v1')!], [3.75, 0.5, 1, 0]);
    assert.deepEqual([...found.get('v2')!], [6, 2, 1, 0]);
  });

  it('need each class in some video', () => {
    assert.throws(() => keyVectors(priors, [...classes, 'dive'], vectors), OptionError);
  });
});

describe('the words of captions', () => {
  const captions = ['a man jumps and throws a ball', 'jumps'];
  const words = new CaptionWords(captions, vectors);

  it('are numbered', () => {
    assert.deepEqual(words.words, ['a', 'and', 'ball', 'jumps', 'man', 'throws']);
    assert.deepEqual([words.count, words.longest, words.dimensions], [6, 7, 2]);
    assert.deepEqual(words.numbersOf(captions[0]!), [0, 4, 3, 1, 5, 0, 2]);
    assert.deepEqual([...words.vectors.subarray(4, 6)], [5, 1]);
    assert.throws(() => words.numbersOf('a dog'), OptionError);
    assert.throws(() => new CaptionWords(['a dog'], vectors), OptionError);
  });

  it('are hidden, a third of them, others than function words twice as often', () => {
    const ids = words.numbersOf(captions[0]!);
    const counts = ids.map(() => 0);
    for (let step = 0; step < 2000; step++) {
      const hidden = words.hidden(ids, { seed: 1, step, item: 2 });
      assert.equal(hidden.filter(Boolean).length, 2);
      for (const [i, one] of hidden.entries()) if (one) counts[i]! += 1;
    }
    const small = [0, 3, 5].map((i) => counts[i]!);
    const large = [1, 2, 4, 6].map((i) => counts[i]!);
    const ratio = large.reduce((a, b) => a + b) / 4 / (small.reduce((a, b) => a + b) / 3);
    assert.ok(ratio > 1.6 && ratio < 2, `${ratio}`);
    assert.deepEqual(words.hidden([3], { seed: 1, step: 1 }), [true]);
    assert.deepEqual(words.hidden(ids, { seed: 1, step: 7 }), words.hidden(ids, { seed: 1, step: 7 }));
  });
});

describe('priors that stand in for those of a language model', () => {
  const video = (id: string, ...labels: string[]): VideoItem => ({
    id,
    duration: 10 * labels.length,
    annotations: {
      // Not in order, as annotations need not be.
      segments: labels.map((label, i) => ({ label, segment: [10 * i, 10 * i + 9] as const })).reverse(),
    },
  });
  const names = ['WALKING', 'SITTING', 'STAND_TO_SIT', 'dog'];
  const videos = [
    video('a', 'WALKING', 'WALKING', 'STAND_TO_SIT', 'SITTING', 'WALKING'),
    video('b', 'SITTING'),
    { id: 'c', duration: 5, annotations: { labels: ['dog'] } },
    { id: 'd', duration: 5, annotations: {} },
  ];

  it('tell classes in their order, or classes alone', () => {
    const ordered = standInPriors(videos, names, 'ordered');
    assert.deepEqual([...ordered.keys()], ['a', 'b', 'c']);
    assert.equal(
      ordered.get('a')!.complete,
      'a person walks on level ground then sits down then sits still then walks on level ground',
    );
    assert.deepEqual(
      ordered.get('a')!.key.map(({ label }) => label),
      ['WALKING', 'SITTING', 'STAND_TO_SIT'],
    );
    assert.deepEqual(ordered.get('a')!.order, ['WALKING', 'STAND_TO_SIT', 'SITTING', 'WALKING']);
    const alone = standInPriors(videos, names, 'classes');
    assert.equal(alone.get('a')!.order, undefined);
    assert.equal(alone.get('a')!.complete, 'a person walks on level ground and sits still and sits down');
    assert.equal(alone.get('c')!.complete, ordered.get('c')!.complete);
    assert.match(alone.get('c')!.complete, /^the subject runs/);
    assert.throws(() => standInPriors([video('e', 'DIVING')], ['DIVING'], 'classes'), OptionError);
  });

  it('are exchanged as a control, none keeps its own', () => {
    const many = Array.from({ length: 9 }, (_, i) =>
      video(`v${i}`, names[i % 3]!, names[(i + 1) % 3]!, `WALKING`),
    );
    const ordered: SemanticPriors = new Map(
      [...standInPriors(many, names, 'ordered')].map(([id, { key }]) => [id, { key, complete: id }]),
    );
    const scrambled = scrambledPriors(ordered, 3);
    assert.deepEqual([...scrambled.keys()], [...ordered.keys()]);
    for (const [id, { key, complete }] of scrambled) {
      assert.notEqual(complete, id);
      const own = ordered.get(id)!.key;
      const other = ordered.get(complete)!.key;
      assert.deepEqual(
        key.map(({ label }) => label),
        own.map(({ label }) => label),
      );
      assert.deepEqual(
        key.map(({ phrases }) => phrases),
        own.map((_, i) => other[i % other.length]!.phrases),
      );
    }
    assert.deepEqual(scrambledPriors(ordered, 3), scrambled);
    assert.notDeepEqual(scrambledPriors(ordered, 4), scrambled);
    assert.throws(() => scrambledPriors(new Map([...ordered].slice(0, 1)), 1), OptionError);
  });

  const glove = () =>
    loadWordVectors(
      fileURLToPath(new URL('../../../checkpoints/words/glove-100d.safetensors', import.meta.url)),
    );

  it('have only words of the package', async () => {
    const table = await glove();
    const sentences = Object.values(actionPhrases).flatMap(({ subject, does, phrases }) => [
      `${subject ?? 'a person'} ${does} then and`,
      ...phrases,
    ]);
    const lacking = sentences.flatMap((sentence) => wordsOf(sentence)).filter((word) => !table.has(word));
    assert.deepEqual([...new Set(lacking)], []);
  });

  it('are written for excerpts of recordings, and read', { skip: missing('hapt') }, async () => {
    const recordings = await openDataset(sharedData('hapt'));
    const excerpts = excerptsOf(recordings, 60);
    const items = excerpts.items('train');
    const path = join(folder, 'hapt.json');
    await writePriors(path, standInPriors(items, excerpts.classes, 'ordered'));
    const priors = await readPriors(path, { classes: excerpts.classes, vectors: await glove() });
    const labelled = items.filter(({ annotations }) => annotations.labels!.length > 0);
    assert.deepEqual(
      [...priors.keys()],
      labelled.map(({ id }) => id),
    );
    assert.match(labelled[1]!.id, /^exp\d+_user\d+@60$/);
    for (const { id, annotations } of labelled) {
      assert.deepEqual(
        priors
          .get(id)!
          .key.map(({ label }) => label)
          .sort(),
        [...annotations.labels!].sort(),
      );
    }
    await recordings.close();
  });
});
