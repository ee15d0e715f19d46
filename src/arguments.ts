import { OptionError } from './errors.js';

/**
 * The check of one argument or option: what is expected, in words that follow "must be", and whether a value is that.
 * Rules are values, so that a function states each of its arguments once, and every message has the same form.
 */
export interface Rule<T = unknown> {
  readonly expected: string;
  accepts(value: unknown): value is T;
}

/** A rule of the caller's own. */
export function rule<T>(expected: string, accepts: (value: unknown) => boolean): Rule<T> {
  return { expected, accepts: accepts as (value: unknown) => value is T };
}

/** One rule for each field of `T`; a field that may be absent needs {@link optional}. */
export type Rules<T> = { readonly [Name in keyof T]-?: Rule<T[Name]> };

export const anything: Rule = rule('anything', () => true);
export const text: Rule<string> = rule('a string', (value) => typeof value === 'string');
export const flag: Rule<boolean> = rule('true or false', (value) => typeof value === 'boolean');
// biome-ignore lint/suspicious/noExplicitAny: what a function takes cannot be checked before it is called
export const callback: Rule<(...given: any[]) => any> = rule(
  'a function',
  (value) => typeof value === 'function',
);
export const number: Rule<number> = rule('a finite number', (value) => Number.isFinite(value));
export const object: Rule<Readonly<Record<string, unknown>>> = rule('an object', isRecord);

/** A finite number from `least` to `most`, both included. */
export function numberIn(least: number, most = Infinity): Rule<number> {
  const expected =
    most === Infinity
      ? `a finite number of at least ${least}`
      : least === -Infinity
        ? `a finite number of at most ${most}`
        : `a number from ${least} to ${most}`;
  return rule(expected, (value) => Number.isFinite(value) && least <= Number(value) && Number(value) <= most);
}

/** An integer from `least` to `most`, both included. */
export function integer(least = -Infinity, most = Infinity): Rule<number> {
  const range =
    most < Infinity ? ` from ${least} to ${most}` : least > -Infinity ? ` of at least ${least}` : '';
  return rule(
    `an integer${range}`,
    (value) => Number.isSafeInteger(value) && least <= Number(value) && Number(value) <= most,
  );
}

/** One of these strings. */
export function oneOf<T extends string>(...choices: readonly T[]): Rule<T> {
  return rule(listed(choices, 'or'), (value) => choices.includes(value as T));
}

/** An instance of a class; `expected` as in "a tensor". */
export function instanceOf<T>(
  Class: abstract new (...given: never[]) => T,
  expected = `an instance of ${Class.name}`,
): Rule<T> {
  return rule(expected, (value) => value instanceof Class);
}

/** A list whose items all obey a rule. */
export function listOf<T>(
  item: Rule<T>,
  expected = `a list, each item ${item.expected}`,
): Rule<readonly T[]> {
  return rule(expected, (value) => Array.isArray(value) && value.every((one) => item.accepts(one)));
}

/** Any number: also NaN and infinities, which are data like others. */
export const anyNumber: Rule<number> = rule('a number', (value) => typeof value === 'number');

/** Numbers in an array or typed array: `ArrayLike<number>`, without BigInts, strings, nested arrays and holes. */
export const numbers: Rule<ArrayLike<number>> = rule('an array or typed array of numbers', (value) =>
  // `every` would skip holes.
  Array.isArray(value) ? !value.some(isNoNumber) && !value.includes(undefined) : isNumberArray(value),
);

/** What obeys one of the rules. */
export function either<A, B>(a: Rule<A>, b: Rule<B>): Rule<A | B> {
  return rule(`${a.expected} or ${b.expected}`, (value) => a.accepts(value) || b.accepts(value));
}

/** Undefined, or what obeys the rule. */
export function optional<T>(given: Rule<T>): Rule<T | undefined> {
  return rule(given.expected, (value) => value === undefined || given.accepts(value));
}

/**
 * @param where what was called, in camelCase as the caller wrote it: it opens the message
 * @param name of the argument or option, as in `keyMask` or `items[3]`
 * @throws OptionError `where: name must be …, not …`
 */
export function checkArgument<T>(
  where: string,
  name: string,
  value: unknown,
  wanted: Rule<T>,
): asserts value is T {
  if (!wanted.accepts(value)) {
    throw new OptionError(`${where}: ${name} must be ${wanted.expected}, not ${described(value)}`);
  }
}

/**
 * Checks an object of options or operands: that it is one, that it has no name but those of `rules`, and each value.
 * @param noun what a field is called in the message: option, operand, field
 * @throws OptionError
 */
export function checkFields<T extends object>(
  where: string,
  given: unknown,
  rules: Rules<T>,
  noun = 'option',
): asserts given is T {
  if (!isRecord(given)) {
    throw new OptionError(
      `${where}: the ${noun}s must be an object with ${listed(Object.keys(rules), 'and')}, not ${described(given)}`,
    );
  }
  for (const name in given) {
    if (!Object.hasOwn(rules, name)) checkNames(where, given, Object.keys(rules), noun);
  }
  for (const name in rules) checkArgument(where, name, given[name], rules[name]);
}

/**
 * Refuses a name that is not known, and names the nearest one that is.
 * @throws OptionError
 */
export function checkNames(where: string, given: object, known: readonly string[], noun = 'option'): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const names = known.length > 0 ? `it takes ${listed(known, 'and')}` : 'it takes none';
    throw new OptionError(
      `${where}: unknown ${noun} ${name}${near === undefined ? '' : `, did you mean ${near}?`} (${names})`,
    );
  }
}

/** What a value is, short enough for a message. */
export function described(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'bigint') return `the BigInt ${value}n`;
  if (typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return value.name ? `the function ${value.name}` : 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}${itemsOf(value)}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  const kind: unknown = value.constructor?.name;
  if (kind && kind !== 'Object') {
    const own = Object.hasOwn(value.constructor.prototype as object, 'toString');
    return `the ${kind}${own ? ` ${value}` : ''}`;
  }
  const names = Object.keys(value);
  return names.length === 0 ? 'an empty object' : `an object with ${listed(names.slice(0, 8), 'and')}`;
}

/** The name of `known` that was probably meant; undefined where none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (of: string) => of.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const distances = known.map((candidate) => editDistance(plain(name), plain(candidate)));
  const least = Math.min(...distances);
  // A third of the letters may differ: more is another word.
  return least <= Math.max(1, Math.floor(name.length / 3)) ? known[distances.indexOf(least)] : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that make one of the other. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? rows[i - 2]![j - 2]! + 1
          : Infinity;
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isNumberArray(value: unknown): boolean {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  );
}

function isNoNumber(value: unknown): boolean {
  return typeof value !== 'number';
}

function itemsOf(list: readonly unknown[]): string {
  const odd = list.findIndex(isNoNumber);
  if (odd < 0) return ' numbers';
  const item = list[odd];
  if (item === undefined || item === null) return ` with ${item} in it`;
  return Array.isArray(item) ? ' with arrays in it' : ` with ${typeof item}s in it`;
}

/** Names in a sentence: `a, b and c`. */
export function listed(names: readonly string[], word: string): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}`;
}
