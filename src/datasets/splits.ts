/** What splits of published data sets are called here. */
export const commonSplits: Readonly<Record<string, string>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  dev: 'validation',
  // ActivityNet Captions annotates its validation videos twice; moment retrieval tests on the second set.
  val_1: 'validation',
  val_2: 'test',
  test: 'test',
  testing: 'test',
};

/** The split of videos whose data set has none. */
export const ALL = 'all';

/**
 * What the splits of a data set are called here, by their own names: a known name is translated, unless another split
 * has that name already.
 */
export function splitNames(
  own: Iterable<string>,
  known: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  // A split whose own name is the translated one comes first.
  const inOrder = [...new Set(own)];
  const translated = (name: string) => (Object.hasOwn(known, name) ? known[name]! : name);
  const first = inOrder.filter((name) => translated(name) === name);
  for (const name of [...first, ...inOrder.filter((name) => !first.includes(name))]) {
    const wanted = translated(name);
    const here = taken.has(wanted) ? name : wanted;
    names.set(name, here);
    taken.add(here);
  }
  return names;
}

const order = ['train', 'validation', 'test'];

/** `train`, `validation`, `test`, then the others as they came. */
export function sortedSplits(splits: readonly string[]): string[] {
  return [
    ...order.filter((split) => splits.includes(split)),
    ...splits.filter((split) => !order.includes(split)),
  ];
}
