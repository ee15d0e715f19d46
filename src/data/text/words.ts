import {
  bytes as bytesRule,
  checkArgument,
  checkArguments,
  checkFields,
  either,
  instanceOf,
  listOf,
  optional,
  path as pathRule,
  text as textRule,
} from '../../arguments.js';
import { FileFormatError, OptionError } from '../../errors.js';
import { bytesSource, openSource } from '../files/byte-source.js';
import type { SourceFolder } from '../files/source-folder.js';
import { toFloat32 } from '../formats/array.js';
import {
  encodeSafetensors,
  openSafetensors,
  openSafetensorsFile,
  type Safetensors,
} from '../formats/safetensors.js';
import { type Tokenization, tokenizationRule, tokenize } from './tokenize.js';
import { readTextVectors, readWord2Vec, vectorFormat } from './word-vector-files.js';

/**
 * The words of an English sentence as word vectors are trained on them: lower case, marks and clitics apart
 * ("doesn't" is "does", "n't"). A hyphen inside a word parts it, and the mark that ends the sentence is left out.
 */
export function wordsOf(sentence: string): string[] {
  checkArgument('wordsOf', 'sentence', sentence, textRule);
  return tokenize(sentence);
}

const floats = instanceOf(Float32Array, 'a Float32Array');

/** The words of a sentence with their vectors. */
export interface SentenceVectors {
  readonly words: readonly string[];
  /** [words, dimensions], row-major; zeros for a word that the table lacks. */
  readonly vectors: Float32Array;
  /** The words that the table lacks, each once. */
  readonly unknown: readonly string[];
}

/** A table of word vectors. */
export class WordVectors {
  private readonly rows: ReadonlyMap<string, number>;

  /** Numbers of a vector. */
  readonly dimensions: number;

  /**
   * @param words no two of them alike
   * @param vectors [words, dimensions], row-major
   * @throws OptionError where the two do not fit together
   */
  constructor(
    readonly words: readonly string[],
    readonly vectors: Float32Array,
  ) {
    checkArguments('WordVectors', { words, vectors }, { words: listOf(textRule), vectors: floats });
    this.rows = new Map(words.map((word, row) => [word, row]));
    this.dimensions = vectors.length / words.length;
    if (this.rows.size !== words.length) throw new OptionError('WordVectors: words holds a word twice');
    if (!Number.isInteger(this.dimensions) || this.dimensions === 0) {
      throw new OptionError(
        `WordVectors: vectors must hold a vector for each of ${words.length} words, not ${vectors.length} numbers`,
      );
    }
  }

  has(word: string): boolean {
    checkArgument('WordVectors.has', 'word', word, textRule);
    return this.rows.has(word);
  }

  /**
   * The vectors of a sentence's words, in their order. A word that the table lacks is a vector of zeros, as MCN and 2D-TAN
   * have it.
   */
  embed(sentence: string, tokenization: Tokenization = 'words'): SentenceVectors {
    checkArguments(
      'WordVectors.embed',
      { sentence, tokenization },
      { sentence: textRule, tokenization: tokenizationRule },
    );
    const words = tokenize(sentence, tokenization);
    const vectors = new Float32Array(words.length * this.dimensions);
    for (const [i, word] of words.entries()) {
      const row = this.rows.get(word);
      if (row === undefined) continue;
      const start = row * this.dimensions;
      vectors.set(this.vectors.subarray(start, start + this.dimensions), i * this.dimensions);
    }
    return { words, vectors, unknown: [...new Set(words.filter((word) => !this.has(word)))] };
  }
}

export interface WordVectorOptions {
  /** The words to keep, such as those of all queries; default: all. The table has those of them that the file has. */
  readonly vocabulary?: readonly string[];
}

/**
 * Reads a table of word vectors:
 * - a safetensors file with the tensor `vectors` [words, dimensions], and the words, a JSON list, under `words` of its
 *   metadata;
 * - text as GloVe and fastText write it, a line a word;
 * - a binary file of word2vec.
 *
 * Text and binary files are read in parts; with a vocabulary little more memory than its vectors take is needed.
 * @param file a path, or the bytes of the file
 * @throws FileAccessError where it cannot be read, FileFormatError where it is no such table, or has no word of the
 *   vocabulary
 */
export async function loadWordVectors(
  file: string | Uint8Array,
  options: WordVectorOptions = {},
): Promise<WordVectors> {
  checkArgument('loadWordVectors', 'file', file, either(pathRule, bytesRule));
  checkFields<WordVectorOptions>('loadWordVectors', options, { vocabulary: optional(listOf(textRule)) });
  const vocabulary = options.vocabulary && new Set(options.vocabulary);
  const source = typeof file === 'string' ? await openSource(file) : bytesSource(file, 'word vectors');
  try {
    const format = await vectorFormat(source);
    if (format === 'safetensors') {
      const table = await readTable(await openSafetensors(file, 'word vectors'));
      return vocabulary ? onlyWords(table, vocabulary, source.name) : table;
    }
    const read = format === 'text' ? readTextVectors : readWord2Vec;
    const { words, vectors } = await read(source, vocabulary);
    return new WordVectors(words, vectors);
  } finally {
    await source.close();
  }
}

function onlyWords(
  { words, vectors, dimensions }: WordVectors,
  vocabulary: ReadonlySet<string>,
  name: string,
) {
  const rows = [...words.keys()].filter((row) => vocabulary.has(words[row]!));
  if (rows.length === 0) throw new FileFormatError(`${name} holds no word of the vocabulary`);
  const kept = new Float32Array(rows.length * dimensions);
  for (const [i, row] of rows.entries())
    kept.set(vectors.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
  return new WordVectors(
    rows.map((row) => words[row]!),
    kept,
  );
}

/** The table of word vectors that a file of a folder holds. @throws as `loadWordVectors` */
export async function loadWordVectorsIn(folder: SourceFolder, file: string): Promise<WordVectors> {
  return readTable(await openSafetensorsFile(await folder.open(file)));
}

async function readTable(table: Safetensors): Promise<WordVectors> {
  try {
    const vectors = await table.read('vectors');
    return new WordVectors(parseWords(table.metadata.words), toFloat32(vectors));
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    throw new FileFormatError(`${table.name}: ${cause.message}`, { cause });
  } finally {
    await table.close();
  }
}

function parseWords(json: string | undefined): string[] {
  let words: unknown;
  try {
    words = JSON.parse(json ?? '');
  } catch {
    // Not JSON is told below, like JSON of another kind.
  }
  if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  throw new OptionError('the metadata has no JSON array of strings under "words"');
}

/**
 * The bytes of the file that `loadWordVectors` reads.
 * @param source where the vectors come from, and their licence
 */
export function encodeWordVectors(table: WordVectors, source: string): Uint8Array {
  checkArguments(
    'encodeWordVectors',
    { table, source },
    { table: instanceOf(WordVectors, 'a WordVectors'), source: textRule },
  );
  const { words, vectors, dimensions } = table;
  return encodeSafetensors(
    { vectors: { dtype: 'f32', shape: [words.length, dimensions], data: Float32Array.from(vectors) } },
    { words: JSON.stringify(words), source },
  );
}
