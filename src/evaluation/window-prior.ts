import { type Segment, temporalIoU } from './segments.js';

/** A sentence that was seen in training, and its moments. */
export interface SentenceExample {
  readonly words: readonly string[];
  readonly windows: readonly Segment[];
}

/** The examples of one bag of words. */
interface Bag {
  readonly counts: ReadonlyMap<string, number>;
  readonly norm: number;
  readonly windows: Segment[];
}

/** So many windows at least are pooled: fewer follow chance. */
const POOLED = 100;

/** Hundredths of a second are enough for a guess. */
const rounded = (seconds: number): number => Math.round(100 * seconds) / 100;

function bagOf(words: readonly string[]): Bag {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return { counts, norm: Math.hypot(...counts.values()), windows: [] };
}

/** Cosine of the counts of two bags; 0 where one is empty. */
function similarity(a: Bag, b: Bag): number {
  let product = 0;
  for (const [word, count] of a.counts) product += count * (b.counts.get(word) ?? 0);
  return product === 0 ? 0 : product / (a.norm * b.norm);
}

/**
 * The baseline that never looks at the video: what the words of a sentence alone say about when and how long, from
 * the windows of the training sentences with the most similar bags of words. A model that sees anything does better.
 */
export class WindowPrior {
  private readonly bags: readonly Bag[];

  constructor(examples: readonly SentenceExample[]) {
    const bags = new Map<string, Bag>();
    for (const { words, windows } of examples) {
      const key = words.toSorted().join(' ');
      const bag = bags.get(key) ?? bagOf(words);
      bags.set(key, bag);
      bag.windows.push(...windows);
    }
    this.bags = [...bags.values()];
  }

  /** The examples, a sentence for each bag of words: the same prior is made of them. */
  toJSON(): SentenceExample[] {
    return this.bags.map(({ counts, windows }) => ({
      words: [...counts].flatMap(([word, count]) => Array<string>(count).fill(word)),
      windows: windows.map(([start, end]) => [rounded(start), rounded(end)]),
    }));
  }

  /**
   * Of the windows of the nearest sentences, the one whose mean temporal IoU with them all is the largest;
   * undefined where there was no example.
   */
  predict(words: readonly string[]): Segment | undefined {
    const asked = bagOf(words);
    const nearest = this.bags
      .map((bag) => ({ bag, likeness: similarity(asked, bag) }))
      .sort((a, b) => b.likeness - a.likeness);
    const pool: Segment[] = [];
    for (const { bag } of nearest) {
      if (pool.length >= POOLED) break;
      pool.push(...bag.windows);
    }
    let best: Segment | undefined;
    let most = -1;
    for (const window of pool.slice(0, POOLED)) {
      const overlap = pool.reduce((sum, other) => sum + temporalIoU(window, other), 0);
      if (overlap > most) [best, most] = [window, overlap];
    }
    return best;
  }
}
