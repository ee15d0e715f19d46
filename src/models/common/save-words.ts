import { writeWhole } from '../../data/files/output-file.js';
import { encodeWordVectors, WordVectors, wordsOf } from '../../data/text/words.js';
import { nodeModule } from '../../node-module.js';
import type { TrainingWords } from '../model-spec.js';

/**
 * Names a safetensors file of word vectors from a model's folder; where there is none, the folder gets the words of the sentences.
 * @param name of the data set
 * @throws FileAccessError
 */
export async function saveWords(
  folder: string,
  { table, file }: TrainingWords,
  sentences: readonly string[],
  name: string,
): Promise<string> {
  const { join, relative, sep } = await nodeModule('node:path');
  // Models read safetensors only; tables of text may have gigabytes of words that no query has.
  if (file?.endsWith('.safetensors')) return relative(folder, file).split(sep).join('/');
  const words = [...new Set(sentences.flatMap(wordsOf))].filter((word) => table.has(word)).sort();
  const vectors = new Float32Array(words.length * table.dimensions);
  words.forEach((word, i) => {
    vectors.set(table.embed(word).vectors, i * table.dimensions);
  });
  const own = 'words.safetensors';
  await writeWhole(join(folder, own), encodeWordVectors(new WordVectors(words, vectors), name));
  return own;
}
