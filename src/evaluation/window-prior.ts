import { checkArgument, listOf, objectWith, text } from '../arguments.js';
import { overlap, type Segment, segmentRule } from '../time/segment.js';

/** A sentence that was seen in training, and its moments. */
export interface SentenceExample {
  readonly words: readonly string[];
  readonly windows: readonly Segment[];
}

/** A bag of words and the window that is guessed for it. */
export interface PriorGuess {
  readonly words: readonly string[];
  readonly window: Segment;
}

const words = listOf(text);

/** The counts of the words of a sentence. */
interface Bag {
  readonly counts: ReadonlyMap<string, number>;
  readonly norm: number;
}

/** So many windows at least are pooled: fewer follow chance. */
const POOLED = 100;

/** Hundredths of a second are enough for a guess. */
const rounded = (seconds: number): number => Math.round(100 * seconds) / 100;

function bagOf(words: readonly string[]): Bag {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return { counts, norm: Math.hypot(...counts.values()) };
}

/** Cosine of the counts of two bags; 0 where one is empty. */
function similarity(a: Bag, b: Bag): number {
  let product = 0;
  for (const [word, count] of a.counts) product += count * (b.counts.get(word) ?? 0);
  return product === 0 ? 0 : product / (a.norm * b.norm);
}

/** Of some windows, the one whose mean temporal IoU with them all is the largest. */
function mostCentral(windows: readonly Segment[]): Segment {
  let best = windows[0]!;
  let most = -1;
  for (const window of windows.slice(0, POOLED)) {
    const total = windows.reduce((sum, other) => sum + overlap(window, other), 0);
    if (total > most) [best, most] = [window, total];
  }
  return best;
}

/**
 * The baseline that never looks at the video: what the words of a sentence alone say about when and how long. Each bag
 * of words that training had has a guess, the most central of the windows of the sentences most like it; a sentence is
 * given that of the bag most like its own. A model that sees anything does better.
 */
export class WindowPrior {
  readonly #bags: readonly (Bag & { readonly window: Segment })[];

  /**
   * @param guesses as `fit` found them
   * @throws OptionError
   */
  constructor(readonly guesses: readonly PriorGuess[]) {
    const guess = objectWith<PriorGuess>({ words, window: segmentRule });
    checkArgument('WindowPrior', 'guesses', guesses, listOf(guess));
    this.#bags = guesses.map(({ words, window }) => ({ ...bagOf(words), window }));
  }

  /** Learns the guesses from sentences and their windows. @throws OptionError */
  static fit(examples: readonly SentenceExample[]): WindowPrior {
    const example = objectWith<SentenceExample>({ words, windows: listOf(segmentRule) });
    checkArgument('WindowPrior.fit', 'examples', examples, listOf(example));
    const bags = new Map<string, Bag & { readonly words: readonly string[]; readonly windows: Segment[] }>();
    for (const { words, windows } of examples) {
      const sorted = words.toSorted();
      const bag = bags.get(sorted.join(' ')) ?? { ...bagOf(sorted), words: sorted, windows: [] };
      bags.set(sorted.join(' '), bag);
      bag.windows.push(...windows);
    }
    const all = [...bags.values()].filter(({ windows }) => windows.length > 0);
    const guesses = all.map((asked) => {
      const nearest = all
        .map((bag) => ({ bag, likeness: similarity(asked, bag) }))
        .sort((a, b) => b.likeness - a.likeness);
      const pool: Segment[] = [];
      for (const { bag } of nearest) {
        if (pool.length >= POOLED) break;
        pool.push(...bag.windows);
      }
      const [start, end] = mostCentral(pool);
      return { words: asked.words, window: [rounded(start), rounded(end)] as const };
    });
    return new WindowPrior(guesses);
  }

  /** The guess for the words of a sentence; undefined where there was nothing to learn from. @throws OptionError */
  predict(sentence: readonly string[]): Segment | undefined {
    checkArgument('WindowPrior.predict', 'sentence', sentence, words);
    const asked = bagOf(sentence);
    let best: Segment | undefined;
    let most = -1;
    for (const bag of this.#bags) {
      const likeness = similarity(asked, bag);
      if (likeness > most) [best, most] = [bag.window, likeness];
    }
    return best;
  }
}
