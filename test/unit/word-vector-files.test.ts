import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokenize } from '../../src/data/text/tokenize.js';
import { encodeWordVectors, loadWordVectors, WordVectors } from '../../src/data/text/words.js';
import { FileFormatError, TalError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { madeFolders } from '../support/dataset-folder.js';

const folderOf = madeFolders('word-vector-files');
const encode = (text: string) => new TextEncoder().encode(text);

/** A file of word2vec, with or without a line break after each vector. */
function word2vec(rows: readonly (readonly [string, readonly number[]])[], lineBreaks = true): Uint8Array {
  return Buffer.concat([
    encode(`${rows.length} ${rows[0]![1].length}\n`),
    ...rows.flatMap(([word, vector]) => [
      encode(`${word} `),
      new Uint8Array(Float32Array.from(vector).buffer),
      encode(lineBreaks ? '\n' : ''),
    ]),
  ]);
}

const rows: [string, number[]][] = [
  ['the', [0.5, -1, 1e-3]],
  ['caf\u00e9', [10, 20, 30]],
  ['.', [1, 2, 4]],
];
const text = rows.map(([word, vector]) => `${word} ${vector.join(' ')}\n`).join('');

const files: [what: string, bytes: Uint8Array][] = [
  ['GloVe', encode(text)],
  ['GloVe without a line break at the end', encode(text.trimEnd())],
  ['fastText', encode(`3 3\n${text}`)],
  ['word2vec', word2vec(rows)],
  ['word2vec without line breaks', word2vec(rows, false)],
];
for (const [what, bytes] of files) {
  test(`${what}: all words, or those of a vocabulary`, async () => {
    const table = await loadWordVectors(bytes);
    assert.deepEqual(
      table.words,
      rows.map(([word]) => word),
    );
    assert.deepEqual(table.vectors, Float32Array.from(rows.flatMap(([, vector]) => vector)));
    const path = join(folderOf({ 'vectors.bin': bytes }), 'vectors.bin');
    const some = await loadWordVectors(path, { vocabulary: ['.', 'the', 'unicorn'] });
    assert.deepEqual(some.words, ['the', '.']);
    assert.deepEqual(some.vectors, Float32Array.of(0.5, -1, Math.fround(1e-3), 1, 2, 4));
    await assert.rejects(
      loadWordVectors(path, { vocabulary: ['unicorn'] }),
      /holds no word of the vocabulary/,
    );
  });

  test(`${what}: a damaged file is refused, or read`, async () => {
    await fc.assert(
      fc.asyncProperty(damaged(bytes), async (broken) => {
        try {
          await loadWordVectors(broken);
        } catch (error) {
          assert.ok(error instanceof TalError, String(error));
        }
      }),
      { numRuns: 200 },
    );
  });
}

test('more bytes than are read at a time', async () => {
  const dimensions = 300;
  const words = Array.from({ length: 6000 }, (_, i) => `word${i}`);
  const vectors = Float32Array.from({ length: words.length * dimensions }, (_, i) => (i % 1009) / 8);
  const rowsOf = words.map(
    (word, i) => [word, [...vectors.subarray(i * dimensions, (i + 1) * dimensions)]] as const,
  );
  for (const bytes of [
    word2vec(rowsOf),
    encode(rowsOf.map(([word, vector]) => `${word} ${vector.join(' ')}\n`).join('')),
  ]) {
    assert.ok(bytes.length > 2 ** 22);
    const table = await loadWordVectors(bytes);
    assert.deepEqual(table.words, words);
    assert.deepEqual(table.vectors, vectors);
  }
});

test('a word with spaces in it, and one that comes again', async () => {
  const table = await loadWordVectors(encode('the 1 2\nat name 3 4\nthe 5 6\n'));
  assert.deepEqual(
    [table.words, [...table.vectors]],
    [
      ['the', 'at name'],
      [1, 2, 3, 4],
    ],
  );
});

test('a vocabulary of a table in safetensors', async () => {
  const bytes = encodeWordVectors(new WordVectors(['a', 'b'], Float32Array.of(1, 2, 3, 4)), 'made up');
  assert.deepEqual((await loadWordVectors(bytes, { vocabulary: ['b'] })).vectors, Float32Array.of(3, 4));
});

const faults: [what: string, bytes: Uint8Array, message: RegExp][] = [
  ['a line that is too short', encode('the 1 2 3\nof 1 2\n'), /line 2: expected a word and 3 numbers/],
  ['a number that is none', encode('the 1 2\nof 1 x\n'), /line 2: "x" is no number/],
  ['a number beyond float32', encode('the 1 2\nof 1 1e300\n'), /line 2: number 2 of "of" is Infinity/],
  ['no line', encode(''), /holds no word/],
  [
    'a binary file that is cut',
    word2vec(rows).subarray(0, 40),
    /begins with|word \d of 3: the file ends in it/,
  ],
];
for (const [what, bytes, message] of faults) {
  test(`refuses ${what}`, () =>
    assert.rejects(loadWordVectors(bytes), (error) => {
      assert.ok(error instanceof FileFormatError, String(error));
      assert.match(error.message, message);
      return true;
    }));
}

test('split: at spaces, in lower case', () => {
  assert.deepEqual(tokenize(" The man's  hand,\nmoves. ", 'split'), ['the', "man's", 'hand,', 'moves.']);
  assert.deepEqual(tokenize(' ', 'split'), []);
});

test('treebank: as the documentation of NLTK shows', () => {
  const cases: [sentence: string, words: string][] = [
    [
      'Good muffins cost $3.88\nin New York.  Please buy me\ntwo of them.\nThanks.',
      'good muffins cost $ 3.88 in new york. please buy me two of them. thanks .',
    ],
    ["They'll save and invest more.", "they 'll save and invest more ."],
    ["hi, my name can't hello,", "hi , my name ca n't hello ,"],
    ['"Stop", he said (twice)...', "`` stop '' , he said ( twice ) ..."],
    ["I cannot; it's gonna be the man's", "i can not ; it 's gon na be the man 's"],
    ['At 10:30, 2,000 people!', 'at 10:30 , 2,000 people !'],
    ['a well-known -- dash', 'a well-known -- dash'],
  ];
  for (const [sentence, words] of cases)
    assert.deepEqual(tokenize(sentence, 'treebank'), words.split(' '), sentence);
});

test('a sentence in the words of each tokenization', async () => {
  const table = new WordVectors(['man', "man's", "'s"], Float32Array.of(1, 2, 3));
  assert.deepEqual([...table.embed("man's").vectors], [1, 3]);
  assert.deepEqual([...table.embed("man's", 'split').vectors], [2]);
  assert.deepEqual([...table.embed("man's", 'treebank').vectors], [1, 3]);
  assert.deepEqual(table.embed('a man', 'split').unknown, ['a']);
});
