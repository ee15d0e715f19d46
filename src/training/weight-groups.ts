import { nearest } from '../arguments.js';
import { OptionError } from '../errors.js';

/** A part of the weights of a model. */
export interface WeightGroup {
  readonly name: string;
  /** Names of weights, or what they begin with up to a dot; the rest where absent. */
  readonly weights?: readonly string[];
}

/**
 * Divides weights among groups. The group with the longest name that a weight has or begins with gets it; a group without
 * names gets those that no other has.
 * @param what the groups are called in messages, such as `task.turns`
 * @returns the names of the weights of each group, in their order; the weights of no group under undefined
 * @throws OptionError where a name is in two groups or of no weight, two groups have none, or a group gets nothing
 */
export function divideWeights(
  what: string,
  names: readonly string[],
  groups: readonly WeightGroup[],
): Map<string | undefined, string[]> {
  const owners = new Map<string, string>();
  let rest: string | undefined;
  for (const { name, weights } of groups) {
    if (!weights) {
      if (rest !== undefined) {
        throw new OptionError(`train: ${what}: ${rest} and ${name} both lack weights, one may take the rest`);
      }
      rest = name;
    }
    for (const beginning of weights ?? []) {
      if (owners.has(beginning)) {
        throw new OptionError(`train: ${what}: ${beginning} is in ${owners.get(beginning)} and in ${name}`);
      }
      if (!names.some((weight) => begins(weight, beginning))) {
        const near = nearest(beginning, beginningsOf(names));
        const hint = near === undefined ? '' : `, did you mean ${near}?`;
        throw new OptionError(`train: ${what}: ${name}: no trained weight begins with ${beginning}${hint}`);
      }
      owners.set(beginning, name);
    }
  }
  const divided = new Map<string | undefined, string[]>(groups.map(({ name }) => [name, []]));
  for (const weight of names) {
    const found = [...owners.keys()].filter((beginning) => begins(weight, beginning));
    const longest = found.reduce((best, one) => (one.length > best.length ? one : best), '');
    const group = owners.get(longest) ?? rest;
    divided.set(group, [...(divided.get(group) ?? []), weight]);
  }
  for (const { name } of groups) {
    if (divided.get(name)!.length === 0)
      throw new OptionError(`train: ${what}: no weight is left for ${name}`);
  }
  return divided;
}

function begins(weight: string, beginning: string): boolean {
  return weight === beginning || weight.startsWith(`${beginning}.`);
}

/** All that names begin with, up to each dot. */
function beginningsOf(names: readonly string[]): string[] {
  const all = names.flatMap((name) => {
    const parts = name.split('.');
    return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
  });
  return [...new Set(all)];
}
