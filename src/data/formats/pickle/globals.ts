import { PickleFault } from './fault.js';
import { latin1Bytes } from './literals.js';

/** What a pickle calls: our own function in the place of the one that it names. Nothing of the file is run. */
export class PickleFunction {
  constructor(
    /** What the pickle calls it, with its module. */
    readonly name: string,
    /** @throws PickleFault where the arguments are not those that are known */
    readonly call: (args: readonly unknown[]) => unknown,
    /** Gives a made object the state that the pickle has for it; without this it takes none. */
    readonly setState?: (made: object, state: unknown) => void,
    /** Whether it is nothing without its state, which it then takes once. */
    readonly needsState = false,
  ) {}
}

/** What names stand for: functions, or values such as a type. A name that is in none of the tables is refused. */
export type PickleGlobals = ReadonlyMap<string, unknown>;

/** A table of functions. */
export function functions(...all: readonly PickleFunction[]): PickleGlobals {
  return new Map(all.map((one) => [one.name, one]));
}

function items(args: readonly unknown[], name: string): Iterable<unknown> {
  const [given = []] = args;
  if (args.length > 1 || !(Array.isArray(given) || given instanceof Set)) {
    throw new PickleFault(`makes a ${name} of something else than a list`);
  }
  return given;
}

/** Refuses keys and items that Python cannot compare by value: those that may change. */
export function checkHashable(value: unknown): void {
  const changes =
    value instanceof Map || value instanceof Set || (Array.isArray(value) && !Object.isFrozen(value));
  if (changes) throw new PickleFault('has a list, a dictionary or a set as a key or as an item of a set');
}

export function setOf(values: readonly unknown[]): Set<unknown> {
  values.forEach(checkHashable);
  return new Set(values);
}

/** A dictionary of nothing, of another one, or of pairs. */
export function dictionary(args: readonly unknown[]): Map<unknown, unknown> {
  const [given = []] = args;
  if (args.length <= 1 && given instanceof Map) return new Map(given);
  return new Map(
    [...items(args, 'dictionary')].map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new PickleFault('makes a dictionary of something else than pairs');
      }
      checkHashable(pair[0]);
      return [pair[0], pair[1]] as const;
    }),
  );
}

function bytes(args: readonly unknown[], name: string): Uint8Array {
  const [given, encoding] = args;
  if (given === undefined) return new Uint8Array(0);
  if (args.length === 1 && given instanceof Uint8Array) return given.slice();
  const latin = encoding === 'latin1' || encoding === 'latin-1';
  if (args.length === 2 && typeof given === 'string' && latin) return latin1Bytes(given);
  throw new PickleFault(`makes ${name} of something else than latin1 text`);
}

/** Attributes of a dictionary, such as the `_metadata` of a state dict: they are none of its items. */
const ignored = (): void => {};

/** Python's own plain types, as protocols 0 to 3 write those that have no opcode there; Python 2 has another name for them. */
const plainTypes = (module: string): readonly PickleFunction[] => [
  new PickleFunction(`${module}.set`, (args) => setOf([...items(args, 'set')])),
  new PickleFunction(`${module}.frozenset`, (args) => setOf([...items(args, 'frozenset')])),
  new PickleFunction(`${module}.bytes`, (args) => bytes(args, 'bytes')),
  new PickleFunction(`${module}.bytearray`, (args) => bytes(args, 'a bytearray')),
];

export const builtins: PickleGlobals = functions(
  ...plainTypes('builtins'),
  ...plainTypes('__builtin__'),
  new PickleFunction('_codecs.encode', (args) => bytes(args, 'bytes')),
  new PickleFunction('collections.OrderedDict', dictionary, ignored),
);
