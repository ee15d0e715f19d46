import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { readJsonLines } from '../../src/data/formats/json-record.js';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { encodeWordVectors, loadWordVectors, WordVectors, wordsOf } from '../../src/data/text/words.js';
import { FileFormatError, OptionError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { missing, sharedData } from '../support/shared-data.js';

test('words in lower case, with marks and clitics apart', () => {
  const cases: [sentence: string, words: string][] = [
    ['A person walks.', 'a person walks'],
    ['after sitting, the person stands up!', 'after sitting , the person stands up'],
    ['The man’s hand doesn’t move, can it?', "the man 's hand does n't move , can it"],
    ['sit-to-stand and push‑up - twice', 'sit to stand and push up - twice'],
    ['“Stop” (after 2.5 s)', '“ stop ” ( after 2.5 s )'],
    ['cafe\u0301', 'caf\u00e9'],
    ['they\u2019re  here\n', "they 're here"],
  ];
  for (const [sentence, words] of cases) assert.deepEqual(wordsOf(sentence), words.split(' '), sentence);
  assert.deepEqual(wordsOf(' ... '), []);
});

test('what is split stays split, and nothing but space and the hyphens within words is lost', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (sentence) => {
      const words = wordsOf(`${sentence} end`);
      assert.deepEqual(wordsOf(words.join(' ')), words);
      assert.equal(words.at(-1), 'end');
      for (const word of words) assert.match(word, /^\S+$/u);
    }),
  );
});

const table = new WordVectors(['walk', 'sit'], Float32Array.of(1, 2, 3, -1, -2, -3));

test('vectors in the order of the words; zeros for unknown words, which are told once each', () => {
  assert.equal(table.dimensions, 3);
  assert.deepEqual(table.embed('Sit, hop, walk, hop'), {
    words: ['sit', ',', 'hop', ',', 'walk', ',', 'hop'],
    vectors: Float32Array.of(-1, -2, -3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0),
    unknown: [',', 'hop'],
  });
  assert.deepEqual(table.embed(''), { words: [], vectors: new Float32Array(0), unknown: [] });
  assert.ok(table.has('walk') && !table.has('constructor'));
});

test('refuses words that do not fit the vectors', () => {
  assert.throws(() => new WordVectors(['a', 'a'], new Float32Array(4)), OptionError);
  assert.throws(() => new WordVectors(['a', 'b', 'c'], new Float32Array(4)), OptionError);
  assert.throws(() => new WordVectors(['a'], new Float32Array(0)), OptionError);
  assert.throws(() => new WordVectors([], new Float32Array(0)), OptionError);
});

test('a table comes back from its file', async () => {
  const { words, vectors } = await loadWordVectors(encodeWordVectors(table, 'made up'));
  assert.deepEqual(words, table.words);
  assert.deepEqual(vectors, table.vectors);
});

test('refuses files that are no table', async () => {
  const vectors = { dtype: 'f32', shape: [2, 3], data: new Float32Array(6) } as const;
  const files: [file: Uint8Array, message: RegExp][] = [
    [encodeSafetensors({ vectors }), /no JSON array of strings/],
    [encodeSafetensors({ vectors }, { words: '["a", 3]' }), /no JSON array of strings/],
    [encodeSafetensors({ vectors }, { words: '["a"' }), /no JSON array of strings/],
    [encodeSafetensors({ vectors }, { words: '["a", "a"]' }), /twice/],
    [encodeSafetensors({ vectors }, { words: '["a", "b", "c", "d"]' }), /a vector for each of 4 words/],
    [encodeSafetensors({ weights: vectors }, { words: '["a", "b"]' }), /no tensor vectors/],
  ];
  for (const [file, message] of files) {
    await assert.rejects(
      loadWordVectors(file),
      (error) => error instanceof FileFormatError && message.test(error.message),
    );
  }
  await fc.assert(
    fc.asyncProperty(damaged(encodeWordVectors(table, 'made up')), async (bytes) => {
      await loadWordVectors(bytes).catch((error) => assert.ok(error instanceof FileFormatError, `${error}`));
    }),
  );
});

const shipped = fileURLToPath(new URL('../../../checkpoints/words/glove-100d.safetensors', import.meta.url));

test('the shipped table is small, and knows everyday words by their meaning', async () => {
  assert.ok(readFileSync(shipped).length < 400_000);
  const words = await loadWordVectors(shipped);
  assert.equal(words.dimensions, 100);
  assert.ok(words.vectors.every(Number.isFinite));
  const of = (word: string) => {
    const { vectors, unknown } = words.embed(word);
    assert.deepEqual(unknown, []);
    return vectors;
  };
  const cosine = (a: string, b: string): number => {
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    return dot(of(a), of(b)) / Math.sqrt(dot(of(a), of(a)) * dot(of(b), of(b)));
  };
  assert.ok(cosine('walks', 'walking') > cosine('walks', 'sofa'));
  assert.ok(cosine('upstairs', 'downstairs') > cosine('upstairs', 'kick'));
  assert.ok(cosine('first', 'second') > cosine('first', 'knee'));
});

const queries = ['hapt/queries-train.jsonl', 'hapt/queries-validation.jsonl'];
test('the shipped table knows every word of the queries', { skip: missing(...queries) }, async () => {
  const words = await loadWordVectors(shipped);
  for (const file of queries) {
    const lines = await readJsonLines(sharedData(file));
    assert.deepEqual(
      lines.flatMap((line) => words.embed(line.text('query')).unknown),
      [],
    );
  }
});
