import { checkArguments, instanceOf, someOf, text } from '../../../arguments.js';
import { WordVectors } from '../../../data/text/words.js';
import { OptionError } from '../../../errors.js';
import { type KeyPhrases, priorsRule, type SemanticPriors } from './priors.js';

/**
 * What key phrases say of the classes of each video, as vectors: of a class that its priors name, the mean of its phrases,
 * each the mean of its words' vectors; of the others, the mean over the videos whose priors name it.
 * @returns [classes, dimensions] by video, row-major
 * @throws OptionError where no video's priors name a class
 */
export function keyVectors(
  priors: SemanticPriors,
  classes: readonly string[],
  vectors: WordVectors,
): ReadonlyMap<string, Float32Array> {
  checkArguments(
    'keyVectors',
    { priors, classes, vectors },
    { priors: priorsRule, classes: someOf(text), vectors: instanceOf(WordVectors, 'a WordVectors') },
  );
  const { dimensions } = vectors;
  const named = new Map([...priors].map(([video, { key }]) => [video, keyMeans(key)]));
  const general = classes.map((label) => {
    const all = [...named.values()].flatMap((means) => means.get(label) ?? []);
    if (all.length === 0)
      throw new OptionError(`keyVectors: the priors of no video have key phrases of ${label}`);
    return meanOf(all);
  });
  return new Map(
    [...named].map(([video, means]) => {
      const rows = new Float32Array(classes.length * dimensions);
      for (const [i, label] of classes.entries()) rows.set(means.get(label) ?? general[i]!, i * dimensions);
      return [video, rows];
    }),
  );

  function keyMeans(key: readonly KeyPhrases[]) {
    return new Map(
      key.map(
        ({ label, phrases }) => [label, meanOf(phrases.map((phrase) => meanOf(wordsIn(phrase))))] as const,
      ),
    );
  }

  function wordsIn(phrase: string): Float32Array[] {
    const { vectors: rows, words } = vectors.embed(phrase);
    return words.map((_, i) => rows.subarray(i * dimensions, (i + 1) * dimensions));
  }
}

function meanOf(rows: readonly Float32Array[]): Float32Array {
  const total = new Float64Array(rows[0]!.length);
  for (const row of rows) for (const [i, x] of row.entries()) total[i]! += x;
  return Float32Array.from(total, (x) => x / rows.length);
}
