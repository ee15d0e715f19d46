import {
  checkArguments,
  instanceOf,
  listOf,
  mapOf,
  nearest,
  objectWith,
  optional,
  path as pathRule,
  type Rule,
  rule,
  someOf,
  text,
} from '../../../arguments.js';
import { readJson } from '../../../data/files/byte-source.js';
import { writeWhole } from '../../../data/files/output-file.js';
import { JsonRecord } from '../../../data/formats/json-record.js';
import { WordVectors, wordsOf } from '../../../data/text/words.js';
import { given } from '../../../tensor/given.js';

/** What key phrases say of one class in a video. */
export interface KeyPhrases {
  readonly label: string;
  /** At least one. */
  readonly phrases: readonly string[];
}

/** What a multimodal language model, or who stands in for one, says of a video. */
export interface VideoSemantics {
  /** Key semantics: each class once. */
  readonly key: readonly KeyPhrases[];
  /** Complete semantics: a caption that tells all actions from beginning to end. */
  readonly complete: string;
  /**
   * The classes in the order in which `complete` tells their actions, each as often as it is told in another place. Without it
   * nothing is known of an order.
   */
  readonly order?: readonly string[];
}

/**
 * By the id of the video. An excerpt of a data set that is cut into excerpts (`excerptsOf`) is a video of its own, with the id
 * `VIDEO@START`, START in seconds of the video: `exp01_user01@60`.
 */
export type SemanticPriors = ReadonlyMap<string, VideoSemantics>;

/** Phrases and captions. */
const told: Rule<string> = rule(
  'a text with a word in it',
  (value) => typeof value === 'string' && wordsOf(value).length > 0,
);

const videoPriorsRule: Rule<VideoSemantics> = objectWith<VideoSemantics>({
  key: listOf(objectWith<KeyPhrases>({ label: text, phrases: someOf(told) })),
  complete: told,
  order: optional(listOf(text)),
});

export const priorsRule: Rule<SemanticPriors> = mapOf(videoPriorsRule);

/** What priors are checked against. */
export interface PriorsUse {
  /** The classes of the data set, without the background. */
  readonly classes: readonly string[];
  /** The table that has all words of phrases and captions. */
  readonly vectors: WordVectors;
}

/**
 * Reads priors, a JSON file `{ VIDEO: { "key": [{ "label": CLASS, "phrases": [TEXT, …] }, …], "complete": TEXT,
 * "order": [CLASS, …] }, … }`, the order if it is known.
 * @throws FileAccessError; FileFormatError that names the video and the field: one that is missing, unknown or of another
 *   type, a class that the data set lacks or that comes twice, words that the vectors lack
 */
export async function readPriors(path: string, use: PriorsUse): Promise<SemanticPriors> {
  checkArguments(
    'readPriors',
    { path, classes: use?.classes, vectors: use?.vectors },
    { path: pathRule, classes: someOf(text), vectors: instanceOf(WordVectors, 'a WordVectors') },
  );
  const file = new JsonRecord(await readJson(path), path);
  if (file.names.length === 0) throw file.error('no video is in it');
  return new Map(file.names.map((video) => [video, videoPriors(file.record(video), use)]));
}

/** Writes the file that `readPriors` reads. @throws FileAccessError */
export async function writePriors(path: string, priors: SemanticPriors): Promise<void> {
  checkArguments('writePriors', { path, priors }, { path: pathRule, priors: priorsRule });
  await writeWhole(path, `${JSON.stringify(Object.fromEntries(priors), undefined, 1)}\n`);
}

function videoPriors(record: JsonRecord, use: PriorsUse): VideoSemantics {
  record.checkNames('key', 'complete', 'order');
  const key = record.records('key').map((entry) => keyPhrases(entry, use));
  const twice = key.findIndex(({ label }, i) => key.findIndex((other) => other.label === label) < i);
  if (twice >= 0) throw record.error(`key[${twice}]: label ${key[twice]!.label} is there twice`);
  const complete = record.text('complete');
  expectWords(record, 'complete', complete, use.vectors);
  const order = record.value('order') === undefined ? undefined : record.texts('order');
  for (const label of order ?? []) expectClass(record, 'order', label, use.classes);
  return { key, complete, ...given({ order }) };
}

function keyPhrases(record: JsonRecord, { classes, vectors }: PriorsUse): KeyPhrases {
  record.checkNames('label', 'phrases');
  const label = record.text('label');
  expectClass(record, 'label', label, classes);
  const phrases = record.texts('phrases');
  if (phrases.length === 0) throw record.error('phrases is empty: expected at least one phrase');
  for (const [i, phrase] of phrases.entries()) expectWords(record, `phrases[${i}]`, phrase, vectors);
  return { label, phrases };
}

/** @throws FileFormatError */
function expectClass(record: JsonRecord, field: string, label: string, classes: readonly string[]): void {
  if (classes.includes(label)) return;
  const near = nearest(label, classes);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  throw record.error(`${field} ${JSON.stringify(label)} is no class of the data set${hint}`);
}

/** @throws FileFormatError where a text has no word, or one that the vectors lack */
function expectWords(record: JsonRecord, field: string, sentence: string, vectors: WordVectors): void {
  const words = wordsOf(sentence);
  if (words.length === 0) throw record.error(`${field} is ${JSON.stringify(sentence)}, which has no word`);
  const lacking = [...new Set(words.filter((word) => !vectors.has(word)))];
  if (lacking.length === 0) return;
  const shown = lacking.map((word) => JSON.stringify(word)).join(', ');
  throw record.error(`${field}: the word vectors lack ${shown}`);
}
