import { checkArgument, checkArguments, integer, listOf, text } from '../../../arguments.js';
import { wordsOf } from '../../../data/text/words.js';
import { OptionError } from '../../../errors.js';
import { TimeTokens } from '../time-tokens.js';

/** Ids of the special tokens; time tokens and words follow. */
const special = { bos: 0, eot: 1, unknown: 2, mask: 3 } as const;
const specials = Object.keys(special).length;

/** The vocabulary of a small model that reads whole words: special tokens, time tokens, and the words it knows. */
export class WordVocabulary {
  /** Begins a sequence. */
  readonly bosId = special.bos;
  /** Ends an answer. */
  readonly eotId = special.eot;
  readonly unknownId = special.unknown;
  readonly maskId = special.mask;
  readonly times: TimeTokens;
  readonly #ids: ReadonlyMap<string, number>;

  /**
   * @param words as `wordsOf` gives them, no two alike
   * @param timeCount number of time tokens
   * @throws OptionError
   */
  constructor(
    readonly words: readonly string[],
    timeCount: number,
  ) {
    checkArguments('WordVocabulary', { words, timeCount }, { words: listOf(text), timeCount: integer(2) });
    this.times = new TimeTokens({ count: timeCount, firstId: specials });
    this.#ids = new Map(words.map((word, i) => [word, specials + timeCount + i]));
    if (this.#ids.size !== words.length) throw new OptionError('WordVocabulary: words holds a word twice');
  }

  /** The vocabulary of all words of some sentences. @throws OptionError */
  static of(sentences: readonly string[], timeCount: number): WordVocabulary {
    checkArguments(
      'WordVocabulary.of',
      { sentences, timeCount },
      { sentences: listOf(text), timeCount: integer(2) },
    );
    return new WordVocabulary([...new Set(sentences.flatMap(wordsOf))].sort(), timeCount);
  }

  /** Number of ids. */
  get size(): number {
    return specials + this.times.count + this.words.length;
  }

  /** The ids of a sentence's words. */
  encode(sentence: string): number[] {
    checkArgument('WordVocabulary.encode', 'sentence', sentence, text);
    return wordsOf(sentence).map((word) => this.#ids.get(word) ?? this.unknownId);
  }

  /** The words of sentences that it does not know, each once. */
  unknownWords(sentences: readonly string[]): string[] {
    checkArgument('WordVocabulary.unknownWords', 'sentences', sentences, listOf(text));
    return [...new Set(sentences.flatMap(wordsOf).filter((word) => !this.#ids.has(word)))].sort();
  }
}
