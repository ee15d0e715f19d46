import { described, unknownField } from '../../arguments.js';
import { FileFormatError, OptionError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import { readInput, readJson } from '../files/byte-source.js';
import { isObject } from './safetensors-header.js';

/** What identifies a query in a file: benchmarks use integers and strings, and distinguish 1 from "1". */
export type QueryId = number | string;

const shown = (value: unknown): string => {
  // JSON has 1e999, which is read as Infinity, but no name for it; what is not from a file may be what JSON lacks.
  if (typeof value === 'bigint' || typeof value === 'number') return described(value);
  const text =
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part)) ?? described(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/** The number that a string holds; anything else as it is. */
const unquoted = (value: unknown): unknown =>
  typeof value === 'string' && value.trim() !== '' ? Number(value) : value;

/** An object of a JSON file whose fields are checked as they are taken out; every error says where it stands. */
export class JsonRecord {
  private readonly fields: Record<string, unknown>;

  /**
   * @param where the file, and the line or the path in it
   * @throws FileFormatError where `value` is not an object; every method throws it where a field is not as expected
   */
  constructor(
    value: unknown,
    readonly where: string,
  ) {
    if (!isObject(value)) throw new FileFormatError(`${where}: ${shown(value)} is not an object`);
    this.fields = value;
  }

  error(what: string): FileFormatError {
    return new FileFormatError(`${this.where}: ${what}`);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.fields, name);
  }

  /** Whether the field is missing, or null, by which many writers say the same. */
  absent(name: string): boolean {
    return (this.value(name) ?? undefined) === undefined;
  }

  /** Refuses fields with other names than these. @throws FileFormatError that names the nearest one */
  checkNames(...known: readonly string[]): void {
    const fault = unknownField(this.fields, known);
    if (fault !== undefined) throw this.error(fault);
  }

  /** The same object, which errors call by what it has under `name`, where that is a string. */
  calledBy(name: string): JsonRecord {
    const value = this.value(name);
    return typeof value === 'string' ? new JsonRecord(this.fields, `${this.where} (${value})`) : this;
  }

  /** Any value; undefined where the field is absent. */
  value(name: string): unknown {
    return this.has(name) ? this.fields[name] : undefined;
  }

  private wrong(name: string, expected: string): FileFormatError {
    return this.error(
      this.has(name)
        ? `${name} is ${shown(this.fields[name])}, not ${expected}`
        : `${name} is missing: expected ${expected}`,
    );
  }

  /** A string, which may be empty. */
  string(name: string): string {
    const value = this.value(name);
    if (typeof value !== 'string') throw this.wrong(name, 'a string');
    return value;
  }

  /** A string with more than spaces in it. */
  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== 'string' || value.trim() === '')
      throw this.wrong(name, 'a string that is not blank');
    return value;
  }

  /** A finite number, at least `least`. */
  number(name: string, least = -Infinity): number {
    const value = this.value(name);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
      throw this.wrong(name, least > -Infinity ? `a finite number of at least ${least}` : 'a finite number');
    }
    return value;
  }

  /** A finite number, which may be in quotes, as many writers of annotations have it. */
  numeral(name: string): number {
    const value = unquoted(this.value(name));
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.wrong(name, 'a finite number');
    return value;
  }

  /** A finite number above 0. */
  positive(name: string): number {
    const value = this.number(name, 0);
    if (value === 0) throw this.error(`${name} is 0: it must be above 0`);
    return value;
  }

  /** An integer, at least `least`. */
  integer(name: string, least: number): number {
    const value = this.value(name);
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      throw this.wrong(name, `an integer of at least ${least}`);
    }
    return value as number;
  }

  queryId(name: string): QueryId {
    const value = this.value(name);
    if (Number.isSafeInteger(value)) return value as number;
    if (typeof value === 'string' && value.trim() !== '') return value;
    throw this.wrong(name, 'an integer or a string that is not blank');
  }

  list(name: string): readonly unknown[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw this.wrong(name, 'an array');
    return value;
  }

  /** An array of strings. */
  texts(name: string): readonly string[] {
    const list = this.value(name);
    if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
      throw this.wrong(name, 'an array of strings');
    return list;
  }

  /** An array whose every item is an object. */
  records(name: string): JsonRecord[] {
    return this.list(name).map((item, i) => new JsonRecord(item, `${this.where}: ${name}[${i}]`));
  }

  /** The object under `name`, whose own fields are checked in the same way. */
  record(name: string): JsonRecord {
    if (!isObject(this.value(name))) throw this.wrong(name, 'an object');
    return new JsonRecord(this.value(name), `${this.where}: ${name}`);
  }

  /** The names of its fields. */
  get names(): string[] {
    return Object.keys(this.fields);
  }

  /** Finite numbers, `width` of them where it is given. */
  numbers(name: string, width?: number): readonly number[] {
    return this.row(this.list(name), name, width);
  }

  /** An array of arrays of finite numbers, `width` of them in each. */
  rows(name: string, width: number): (readonly number[])[] {
    return this.list(name).map((row, i) => this.row(row, `${name}[${i}]`, width));
  }

  /** Two finite numbers, which may be in quotes, as in annotations of THUMOS-14. */
  pair(name: string): readonly [number, number] {
    return this.row(this.list(name).map(unquoted), name, 2) as readonly [number, number];
  }

  /** [start, end] with start <= end; the two may be in quotes. */
  span(name: string): Segment {
    return this.ordered(this.pair(name), name);
  }

  /** An array of [start, end] with start <= end. */
  spans(name: string): Segment[] {
    return this.rows(name, 2).map((row, i) => this.ordered(row, `${name}[${i}]`));
  }

  private row(value: unknown, what: string, width?: number): readonly number[] {
    const numbers = Array.isArray(value) && value.every((number) => Number.isFinite(number));
    if (!numbers || (width !== undefined && value.length !== width)) {
      throw this.error(
        `${what} is ${shown(value)}, not an array of ${width === undefined ? '' : `${width} `}finite numbers`,
      );
    }
    return value;
  }

  /** The row itself where its first number, the start, is at most its second, the end. */
  private ordered(row: readonly number[], what: string): Segment {
    const [start, end] = row as unknown as Segment;
    if (start > end) throw this.error(`${what} starts at ${start}, after its end at ${end}`);
    return [start, end];
  }
}

/** What is told of an entry of a file that is passed over. */
export type OnRefused = (error: FileFormatError) => void;

/**
 * What `read` makes of each entry of a file.
 * @param onRefused told of an entry that `read` refuses, which is left out then
 * @throws FileFormatError of `read` where there is no `onRefused`
 */
export function readEach<T, R>(entries: readonly T[], read: (entry: T) => R, onRefused?: OnRefused): R[] {
  return entries.flatMap((entry) => {
    try {
      return [read(entry)];
    } catch (error) {
      if (!onRefused || !(error instanceof FileFormatError)) throw error;
      onRefused(error);
      return [];
    }
  });
}

/**
 * What a file holds, once it is checked: the errors of the check name the file.
 * @throws FileFormatError in the place of OptionError
 */
export function checkedFile<T>(path: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    throw new FileFormatError(`${path}: ${cause.message}`, { cause });
  }
}

/**
 * A JSON file that holds one object.
 * @throws FileAccessError where it cannot be read, FileFormatError where it is no such file
 */
export const readJsonRecord = async (path: string): Promise<JsonRecord> =>
  new JsonRecord(await readJson(path), path);

/** @throws FileAccessError where it cannot be read, FileFormatError where it is not UTF-8 */
export async function readText(path: string): Promise<string> {
  const bytes = await readInput(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileFormatError(`${path} is not text in UTF-8`, { cause });
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileFormatError(`${where}: not JSON: ${(cause as Error).message}`, { cause });
  }
}

function parseLines(text: string, path: string): JsonRecord[] {
  const records: JsonRecord[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${path}, line ${i + 1}`;
    records.push(new JsonRecord(parse(line, where), where));
  }
  return records;
}

/**
 * A file of JSON lines, one object each; empty lines are skipped.
 * @throws FileAccessError where it cannot be read, FileFormatError with the number of the line that is not an object
 */
export async function readJsonLines(path: string): Promise<JsonRecord[]> {
  return parseLines(await readText(path), path);
}

/**
 * A file of objects, as a JSON array or as JSON lines.
 * @throws FileAccessError where it cannot be read, FileFormatError with the place of what is not an object
 */
export async function readJsonObjects(path: string): Promise<JsonRecord[]> {
  const text = await readText(path);
  if (!text.trimStart().startsWith('[')) return parseLines(text, path);
  const list = parse(text, path) as readonly unknown[];
  return list.map((item, i) => new JsonRecord(item, `${path}[${i}]`));
}
