import { OptionError } from './errors.js';

/**
 * The check of one argument or option: what is expected, in words that follow "must be", and whether a value is that.
 * Rules are values, so that a function states each of its arguments once, and every message has the same form.
 */
export interface Rule<T = unknown> {
  readonly expected: string;
  accepts(value: unknown): value is T;
  /** Of a value that is refused: what is wrong with a part of it, as `name[0].part must be …, not …`. */
  fault?(name: string, value: unknown): string | undefined;
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

/** An array whose items all obey a rule; a message names the first item that does not. */
export function listOf<T>(
  item: Rule<T>,
  expected = `an array, each item ${item.expected}`,
): Rule<readonly T[]> {
  return {
    ...rule<readonly T[]>(expected, (value) => Array.isArray(value) && value.every(item.accepts)),
    fault(name, value) {
      if (!Array.isArray(value)) return undefined;
      const at = value.findIndex((one) => !item.accepts(one));
      return at < 0 ? undefined : faultOf(item, `${name}[${at}]`, value[at]);
    },
  };
}

/** A list with at least one item. */
export function someOf<T>(item: Rule<T>): Rule<readonly [T, ...T[]]> {
  const list = listOf(item, `an array that is not empty, each item ${item.expected}`);
  return {
    ...rule<readonly [T, ...T[]]>(list.expected, (value) => list.accepts(value) && value.length > 0),
    ...(list.fault && { fault: list.fault }),
  };
}

/** An object, of whatever class, with fields that obey rules; it may have others. */
export function objectWith<T extends object>(rules: Rules<T>, expected?: string): Rule<T> {
  const names = Object.keys(rules) as (keyof T & string)[];
  const wrong = (value: object) => names.find((name) => !rules[name].accepts((value as T)[name]));
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  return {
    ...rule<T>(
      expected ?? `an object with ${listed(names, 'and')}`,
      (value) => isObject(value) && wrong(value as object) === undefined,
    ),
    fault(name, value) {
      const field = isObject(value) && !Array.isArray(value) ? wrong(value as object) : undefined;
      return field && faultOf(rules[field], `${name}.${field}`, (value as T)[field]);
    },
  };
}

/** An object with the names of the rules and no others, as `checkFields` checks it. */
export function onlyFields<T extends object>(rules: Rules<T>): Rule<T> {
  const fields = objectWith(rules);
  const strange = (value: object, inside = '') => unknownField(value, Object.keys(rules), 'field', inside);
  return {
    ...rule<T>(
      fields.expected,
      (value) => isRecord(value) && strange(value) === undefined && fields.accepts(value),
    ),
    fault(name, value) {
      if (!isRecord(value)) return undefined;
      return strange(value, `${name}.`) ?? fields.fault?.(name, value);
    },
  };
}

/** An object whose field, `kind` or another, says which of the rules it obeys. */
export function objectBy<Field extends string, T extends { readonly [Name in Field]: string }>(
  field: Field,
  choices: { readonly [Choice in T[Field]]: Rule<Extract<T, { readonly [Name in Field]: Choice }>> },
): Rule<T> {
  const known = oneOf(...(Object.keys(choices) as T[Field][]));
  const ruleOf = (value: unknown): Rule => {
    const choice = isRecord(value) ? value[field] : undefined;
    return known.accepts(choice) ? choices[choice] : objectWith<Record<string, unknown>>({ [field]: known });
  };
  return {
    ...rule<T>(`an object with ${field} and the fields of that ${field}`, (value) =>
      ruleOf(value).accepts(value),
    ),
    fault: (name, value) => ruleOf(value).fault?.(name, value),
  };
}

/** A map from strings to what obeys a rule. */
export function mapOf<T>(item: Rule<T>): Rule<ReadonlyMap<string, T>> {
  const wrong = (map: ReadonlyMap<unknown, unknown>) =>
    [...map].find(([key, value]) => typeof key !== 'string' || !item.accepts(value));
  return {
    ...rule<ReadonlyMap<string, T>>(
      `a Map with string keys, each value ${item.expected}`,
      (value) => value instanceof Map && wrong(value) === undefined,
    ),
    fault(name, value) {
      const entry = value instanceof Map ? wrong(value) : undefined;
      if (!entry || typeof entry[0] !== 'string') return undefined;
      return faultOf(item, `${name}.get(${JSON.stringify(entry[0])})`, entry[1]);
    },
  };
}

/** An object whose values all obey a rule, whatever their names. */
export function valuesOf<T>(item: Rule<T>): Rule<Readonly<Record<string, T>>> {
  const wrong = (value: object) => Object.entries(value).find(([, one]) => !item.accepts(one));
  return {
    ...rule<Readonly<Record<string, T>>>(
      `an object, each value ${item.expected}`,
      (value) => isRecord(value) && wrong(value) === undefined,
    ),
    fault(name, value) {
      const entry = isRecord(value) ? wrong(value) : undefined;
      return entry && faultOf(item, `${name}.${entry[0]}`, entry[1]);
    },
  };
}

/** Two values of one kind. */
export function pairOf<T>(item: Rule<T>): Rule<readonly [T, T]> {
  return rule(
    `an array of two, each ${item.expected}`,
    (value) => Array.isArray(value) && value.length === 2 && value.every((one) => item.accepts(one)),
  );
}

/** Two finite numbers, the first at most the second; in which unit, `expected` may say. */
export function spanOf(expected = '[start, end], two finite numbers, start at most end') {
  return rule<readonly [number, number]>(
    expected,
    (value) =>
      Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] <= value[1],
  );
}

/** A finite number above 0. */
export const positive: Rule<number> = rule(
  'a finite number above 0',
  (value) => Number.isFinite(value) && Number(value) > 0,
);

/** What is added to a variance, so that its root can be divided by. */
export const epsilon: Rule<number> = rule(
  'a number above 0 and below 1',
  (value) => typeof value === 'number' && value > 0 && value < 1,
);
/** An element of u32, such as the id of a token or a seed. */
export const uint32: Rule<number> = integer(0, 2 ** 32 - 1);
export const bytes: Rule<Uint8Array> = rule('a Uint8Array', (value) => value instanceof Uint8Array);

/** The path of a file or folder. */
export const path: Rule<string> = rule(
  'a path, a string that is not empty',
  (value) => typeof value === 'string' && value !== '',
);

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
  return {
    ...rule<T | undefined>(given.expected, (value) => value === undefined || given.accepts(value)),
    ...(given.fault && { fault: given.fault }),
  };
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
  if (!wanted.accepts(value)) throw new OptionError(`${where}: ${faultOf(wanted, name, value)}`);
}

/** Checks arguments, each under its name, in the order of the rules. @throws OptionError */
export function checkArguments<T extends object>(
  where: string,
  given: { readonly [Name in keyof T]: unknown },
  rules: Rules<T>,
): void {
  for (const name in rules) checkArgument(where, name, given[name], rules[name]);
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
  const fault = unknownField(given, known, noun);
  if (fault !== undefined) throw new OptionError(`${where}: ${fault}`);
}

/**
 * What to say of the first name that is not known; undefined where all are.
 * @param inside the object that the names stand in, as `plan.`
 */
export function unknownField(
  given: object,
  known: readonly string[],
  noun = 'field',
  inside = '',
): string | undefined {
  const name = Object.keys(given).find((name) => !known.includes(name));
  if (name === undefined) return undefined;
  const near = nearest(name, known);
  const names = known.length > 0 ? `it takes ${listed(known, 'and')}` : 'it takes none';
  return `unknown ${noun} ${inside}${name}${near === undefined ? '' : `, did you mean ${near}?`} (${names})`;
}

/** What is wrong with a value that a rule refuses. */
function faultOf(wanted: Rule, name: string, value: unknown): string {
  return wanted.fault?.(name, value) ?? `${name} must be ${wanted.expected}, not ${described(value)}`;
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
