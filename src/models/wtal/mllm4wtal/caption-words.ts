import {
  checkArgument,
  checkArguments,
  instanceOf,
  integer,
  listOf,
  someOf,
  text,
} from '../../../arguments.js';
import { WordVectors, wordsOf } from '../../../data/text/words.js';
import { type Draw, drawRule, randomOf } from '../../../datasets/sampling/draw.js';
import { OptionError } from '../../../errors.js';

/**
 * Words that hold a sentence together: of closed classes, so that a list has them. All others (nouns, verbs, adverbs, but
 * also adjectives and numbers) are twice as likely to be hidden. Boosting-WTAL weights nouns, verbs and adverbs by a tagger;
 * we have none.
 */
const functionWords = new Set(
  (
    'a an the this that these those some any each every no and or but nor so yet if while as because than of in on at to from by ' +
    'with into onto over under up down out off for through between among about after before then first finally he she it they ' +
    'him her them his its their who which what is are was were be been being am do does did has have had will would can could ' +
    'may might must shall should not there here'
  ).split(' '),
);

/** A caption in the numbers of its words. */
export type CaptionIds = readonly number[];

/** The words of captions, with a number and a vector each: what the reconstruction has to choose from. */
export class CaptionWords {
  /** In alphabetical order. */
  readonly words: readonly string[];
  /** [words, dimensions], row-major. */
  readonly vectors: Float32Array;
  /** Of the longest caption, in words. */
  readonly longest: number;
  readonly dimensions: number;
  readonly #numbers: ReadonlyMap<string, number>;

  /**
   * @param captions of the training data, each with a word at least
   * @throws OptionError where the vectors lack a word of theirs
   */
  constructor(captions: readonly string[], vectors: WordVectors) {
    checkArguments(
      'CaptionWords',
      { captions, vectors },
      { captions: someOf(text), vectors: instanceOf(WordVectors, 'a WordVectors') },
    );
    const sentences = captions.map((caption) => wordsOf(caption));
    this.words = [...new Set(sentences.flat())].sort();
    const { vectors: table, unknown } = vectors.embed(this.words.join(' '), 'split');
    if (unknown.length > 0) throw new OptionError(`CaptionWords: vectors lack ${unknown.join(', ')}`);
    this.vectors = table;
    this.dimensions = vectors.dimensions;
    this.longest = Math.max(...sentences.map(({ length }) => length));
    this.#numbers = new Map(this.words.map((word, number) => [word, number]));
  }

  get count(): number {
    return this.words.length;
  }

  /** The numbers of a caption's words. @throws OptionError where one is not among the words */
  numbersOf(caption: string): CaptionIds {
    checkArgument('CaptionWords.numbersOf', 'caption', caption, text);
    return wordsOf(caption).map((word) => {
      const number = this.#numbers.get(word);
      if (number === undefined)
        throw new OptionError(`CaptionWords: ${JSON.stringify(word)} is in no caption`);
      return number;
    });
  }

  /**
   * Which words of a caption are hidden: a third of them, at least one, without replacement; words that are no
   * function words are twice as likely.
   * @throws OptionError
   */
  hidden(ids: CaptionIds, draw: Draw): boolean[] {
    const numbers = listOf(integer(0, this.count - 1));
    checkArguments('CaptionWords.hidden', { ids, draw }, { ids: numbers, draw: drawRule });
    const random = randomOf(draw);
    // The largest u^(1/w) are a weighted sample without replacement (Efraimidis and Spirakis, 2006).
    const keys = ids.map((id) => {
      const weight = functionWords.has(this.words[id]!) ? 1 : 2;
      return random.uniform() ** (1 / weight);
    });
    const chosen = [...ids.keys()].sort((a, b) => keys[b]! - keys[a]!);
    const hidden = new Set(chosen.slice(0, Math.max(1, Math.floor(ids.length / 3))));
    return ids.map((_, i) => hidden.has(i));
  }
}
