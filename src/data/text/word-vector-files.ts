import { FileFormatError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';

/** Words and their vectors [words, dimensions], row-major, as a file holds them. */
export interface VectorTable {
  readonly words: readonly string[];
  readonly vectors: Float32Array;
}

/** The words that are kept; all where it is undefined. */
export type Vocabulary = ReadonlySet<string> | undefined;

/** How word vectors are stored. */
export type VectorFormat = 'safetensors' | 'text' | 'word2vec';

/** Bytes that are read at a time. */
const CHUNK = 2 ** 22;
/** No word and no line of vectors is as long. */
const LONGEST_LINE = 2 ** 20;
const NEWLINE = 10;
const SPACE = 32;

const utf8 = new TextDecoder();

/** The first line of word2vec's files: how many words, and how many numbers each. */
const COUNTS = /^(\d+) (\d+)\r?$/;

/** How a file of word vectors is stored, by how it begins. */
export async function vectorFormat(source: ByteSource): Promise<VectorFormat> {
  const start = await source.read(0, Math.min(2 ** 16, source.size));
  // Safetensors begin with the length of their header, which is JSON.
  if (start[8] === 0x7b && start.subarray(2, 8).some((byte) => byte === 0)) return 'safetensors';
  const end = start.indexOf(NEWLINE);
  const counts = COUNTS.exec(utf8.decode(start.subarray(0, Math.max(0, end))));
  if (!counts) return 'text';
  // fastText's `.vec` begins alike, and goes on as text.
  const next = start.subarray(end + 1);
  const line = utf8.decode(next.subarray(0, Math.max(0, next.indexOf(NEWLINE))));
  const fields = line.trimEnd().split(' ');
  const isText = fields.length > Number(counts[2]) && fields.slice(-Number(counts[2])).every(isNumber);
  return isText ? 'text' : 'word2vec';
}

const isNumber = (text: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);

/** Bytes of a source in order, some of them at a time. */
class Reader {
  private held = new Uint8Array(0);
  private at = 0;
  private next = 0;

  constructor(private readonly source: ByteSource) {}

  /** Bytes up to a mark, without it; at the end of the file what is left, or undefined where that is nothing. */
  async until(mark: number, what: string): Promise<Uint8Array | undefined> {
    for (;;) {
      const end = this.held.indexOf(mark, this.at);
      if (end >= 0) {
        const bytes = this.held.subarray(this.at, end);
        this.at = end + 1;
        return bytes;
      }
      if (this.held.length - this.at > LONGEST_LINE)
        throw new FileFormatError(`${this.source.name}: ${what} is longer than ${LONGEST_LINE} bytes`);
      if (!(await this.fill())) break;
    }
    const left = this.held.subarray(this.at);
    this.at = this.held.length;
    return left.length > 0 ? left : undefined;
  }

  /** So many bytes, or undefined where there are fewer. */
  async take(count: number): Promise<Uint8Array | undefined> {
    while (this.held.length - this.at < count) if (!(await this.fill())) return undefined;
    this.at += count;
    return this.held.subarray(this.at - count, this.at);
  }

  private async fill(): Promise<boolean> {
    const length = Math.min(CHUNK, this.source.size - this.next);
    if (length === 0) return false;
    const more = await this.source.read(this.next, length);
    this.next += length;
    const left = this.held.subarray(this.at);
    this.held = new Uint8Array(left.length + length);
    this.held.set(left);
    this.held.set(more, left.length);
    this.at = 0;
    return true;
  }
}

/** A table that grows. Of a word that comes again, the first vector stays. */
class Growing {
  private readonly rows = new Map<string, Float32Array>();

  constructor(
    private readonly name: string,
    private readonly vocabulary: Vocabulary,
  ) {}

  wants(word: string): boolean {
    return !this.rows.has(word) && (!this.vocabulary || this.vocabulary.has(word));
  }

  add(word: string, vector: Float32Array, where: string): void {
    const bad = vector.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new FileFormatError(`${where}: number ${bad + 1} of ${JSON.stringify(word)} is ${vector[bad]}`);
    this.rows.set(word, vector);
  }

  table(dimensions: number): VectorTable {
    if (this.rows.size === 0)
      throw new FileFormatError(`${this.name} holds no word${this.vocabulary ? ' of the vocabulary' : ''}`);
    const vectors = new Float32Array(this.rows.size * dimensions);
    let at = 0;
    for (const vector of this.rows.values()) {
      vectors.set(vector, at);
      at += dimensions;
    }
    return { words: [...this.rows.keys()], vectors };
  }
}

/**
 * Reads vectors as GloVe and fastText write them: a line a word, then its numbers, parted by spaces; a first line of counts
 * is passed over. A word may have spaces in it. Only the numbers of words that are kept are read.
 */
export async function readTextVectors(source: ByteSource, vocabulary: Vocabulary): Promise<VectorTable> {
  const reader = new Reader(source);
  const kept = new Growing(source.name, vocabulary);
  let dimensions = 0;
  for (let number = 1; ; number++) {
    const bytes = await reader.until(NEWLINE, `line ${number}`);
    if (!bytes) break;
    const line = utf8.decode(bytes).trimEnd();
    if (line === '') continue;
    const where = `${source.name}, line ${number}`;
    const counts = number === 1 ? COUNTS.exec(line) : null;
    if (counts) {
      dimensions = Number(counts[2]);
      continue;
    }
    // The first line says how many numbers there are.
    if (dimensions === 0) dimensions = line.split(' ').length - 1;
    const fields = line.split(' ');
    const word = fields.slice(0, -dimensions).join(' ');
    if (dimensions === 0 || word === '')
      throw new FileFormatError(`${where}: expected a word and ${dimensions || 'its'} numbers`);
    if (!kept.wants(word)) continue;
    const numbers = fields.slice(-dimensions);
    const strange = numbers.find((text) => !isNumber(text));
    if (strange !== undefined)
      throw new FileFormatError(
        `${where}: ${JSON.stringify(strange)} is no number, of ${dimensions} after the word`,
      );
    kept.add(word, Float32Array.from(numbers, Number), where);
  }
  return kept.table(dimensions);
}

/** Reads word2vec's binary files: a line of counts, then for each word itself, a space, and its numbers in float32, little-endian. */
export async function readWord2Vec(source: ByteSource, vocabulary: Vocabulary): Promise<VectorTable> {
  const reader = new Reader(source);
  const kept = new Growing(source.name, vocabulary);
  const first = utf8.decode((await reader.until(NEWLINE, 'the line of counts')) ?? new Uint8Array(0));
  const [count, dimensions] = (COUNTS.exec(first) ?? []).slice(1).map(Number) as [number?, number?];
  const smallest = 4 * (dimensions ?? 0) + 1;
  if (count === undefined || dimensions === undefined || dimensions === 0 || count * smallest > source.size)
    throw new FileFormatError(
      `${source.name} begins with ${JSON.stringify(first.slice(0, 40))}, which is not its counts`,
    );
  for (let i = 0; i < count; i++) {
    const where = `${source.name}, word ${i + 1} of ${count}`;
    const name = await reader.until(SPACE, `word ${i + 1}`);
    // Some writers end each vector with a line break, some do not.
    const word = name && utf8.decode(name).replace(/^\n/, '');
    const bytes = await reader.take(4 * dimensions);
    if (!word || !bytes) throw new FileFormatError(`${where}: the file ends in it: copy it again`);
    if (!kept.wants(word)) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    kept.add(
      word,
      Float32Array.from({ length: dimensions }, (_, at) => view.getFloat32(4 * at, true)),
      where,
    );
  }
  return kept.table(dimensions);
}
