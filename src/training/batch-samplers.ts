import {
  checkArgument,
  checkArguments,
  checkFields,
  integer,
  listOf,
  numberIn,
  rule,
  someOf,
} from '../arguments.js';
import { HostRandom } from '../data/host-random.js';
import { OptionError } from '../errors.js';

/** Which examples a batch has: numbers, as a function of the number of the batch in the run and of the run's seed only. */
export type BatchSampler = (index: number, seed: number) => readonly number[];

/** Far from the streams of other draws of the same seed. */
const weightedStream = 2 ** 22;
const pairStream = 2 ** 23;

/**
 * All examples in a new random order in each epoch; the last incomplete batch of an epoch goes over into the next.
 * @param examples how many there are
 * @param batch examples of a batch
 * @throws OptionError
 */
export function shuffledBatches(examples: number, batch: number): BatchSampler {
  checkArguments('shuffledBatches', { examples, batch }, { examples: integer(1), batch: integer(1) });
  // The order of the last epoch that was asked for: a function of seed and epoch, so that it may be kept.
  let known = '';
  let order = new Uint32Array(0);
  return (index, seed) =>
    Array.from({ length: batch }, (_, i) => {
      const place = index * batch + i;
      const epoch = Math.floor(place / examples);
      if (known !== `${seed} ${epoch}`) {
        order = new HostRandom(seed, epoch).permutation(examples);
        known = `${seed} ${epoch}`;
      }
      return order[place % examples]!;
    });
}

/**
 * Examples drawn with replacement, each with a probability in proportion to its weight.
 * @param weights one for each example, not all 0
 * @throws OptionError
 */
export function weightedBatches(weights: readonly number[], batch: number): BatchSampler {
  const where = 'weightedBatches';
  checkArguments(where, { weights, batch }, { weights: someOf(numberIn(0)), batch: integer(1) });
  let total = 0;
  const ends = weights.map((weight) => {
    total += weight;
    return total;
  });
  checkArgument(
    where,
    'weights',
    weights,
    rule('numbers with a finite sum above 0', () => total > 0 && total < Infinity),
  );
  return (index, seed) => {
    const random = new HostRandom(seed, index + weightedStream);
    return Array.from({ length: batch }, () => firstAbove(ends, random.uniform(0, total)));
  };
}

/** The first place of rising numbers whose number is above x; of the last that rises where x is the largest. */
function firstAbove(rising: readonly number[], x: number): number {
  let [low, high] = [0, rising.indexOf(rising.at(-1)!)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Batches for losses that compare two videos of one class (W-TALC, CO2-Net): first `pairs` pairs, places 0 and 1, 2 and 3,
 * …, then `others` examples. The class of a pair is drawn uniformly, then two different examples that have it; the others
 * are drawn uniformly, with replacement. That the two of a pair differ is ours: CO2-Net may draw one video twice.
 * @param labels the classes of each example, of which it may have several
 * @throws OptionError where no two examples share a class
 */
export function classPairBatches(
  labels: readonly (readonly (string | number)[])[],
  options: { readonly pairs: number; readonly others: number },
): BatchSampler {
  const where = 'classPairBatches';
  const label = rule<string | number>('a string or a number', (value) =>
    ['string', 'number'].includes(typeof value),
  );
  checkArgument(where, 'labels', labels, someOf(listOf(label)));
  checkFields<typeof options>(where, options, { pairs: integer(1), others: integer(0) });
  const { pairs, others } = options;
  const members = new Map<string | number, number[]>();
  for (const [example, classes] of labels.entries()) {
    for (const name of new Set(classes)) members.set(name, [...(members.get(name) ?? []), example]);
  }
  const shared = [...members.values()].filter(({ length }) => length > 1);
  if (shared.length === 0)
    throw new OptionError(`${where}: labels must have a class that two examples share`);
  return (index, seed) => {
    const random = new HostRandom(seed, index + pairStream);
    const drawn = Array.from({ length: pairs }, () => {
      const examples = random.choose(shared);
      const first = random.integer(0, examples.length - 1);
      const other = random.integer(0, examples.length - 2);
      return [examples[first]!, examples[other < first ? other : other + 1]!];
    });
    const rest = Array.from({ length: others }, () => random.integer(0, labels.length - 1));
    return [...drawn.flat(), ...rest];
  };
}
