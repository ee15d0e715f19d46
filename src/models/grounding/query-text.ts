import type { Features } from '../../data/formats/features.js';
import type { WordVectors } from '../../data/text/words.js';
import { normalizeRows } from '../../datasets/sampling/normalize-rows.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { TextConfig } from './config.js';

/** A text, and what the data set says of its words. */
export interface AskedText {
  readonly text: string;
  /** Token features [L, E]. @throws FileAccessError, FileFormatError */
  features?(): Promise<Features>;
}

/**
 * The vectors of a text's words, at most as many as the model reads: [words, channels].
 * @param table for a model of words
 * @throws OptionError where the model can know no word of the text, or reads features that there are not; ShapeError where
 *   they are of another size
 */
export async function textVectors(
  { kind, channels, longest }: TextConfig,
  { text, features }: AskedText,
  table: WordVectors | undefined,
): Promise<Float32Array> {
  if (kind === 'words') {
    if (!table) throw new OptionError('the model reads words, and was given no vectors of them');
    return knownVectors(table, text).slice(0, longest * channels);
  }
  if (!features) {
    throw new OptionError(
      `the model reads features of the words of a query, and there are none of ${JSON.stringify(text)}`,
    );
  }
  const tokens = await features();
  if (tokens.channels !== channels) {
    throw new ShapeError(
      `the model reads ${channels} numbers a word, the features of ${JSON.stringify(text)} have ${tokens.channels}`,
    );
  }
  return normalizeRows(tokens).data.slice(0, longest * channels);
}

/** The vectors of a text's words. @throws OptionError where the table has none of them */
export function knownVectors(table: WordVectors, text: string): Float32Array {
  const { words, unknown, vectors } = table.embed(text);
  if (words.every((word) => unknown.includes(word)))
    throw new OptionError(`the model knows no word of the query ${JSON.stringify(text)}`);
  return vectors;
}

/** @throws OptionError where a model of words is given vectors of another size */
export function checkWords({ kind, channels }: TextConfig, { dimensions }: WordVectors): void {
  if (kind === 'words' && dimensions !== channels) {
    throw new OptionError(
      `the model reads word vectors of ${channels} numbers (model.text.channels), these have ${dimensions}`,
    );
  }
}
