import { PickleFault } from './fault.js';
import { builtins, checkHashable, PickleFunction, type PickleGlobals, setOf } from './globals.js';
import type { PickleInput } from './input.js';
import {
  binaryInteger,
  decimalFloat,
  decimalInteger,
  latin1,
  quoted,
  rawUnicode,
  textOf,
} from './literals.js';

const highestProtocol = 5;

/** About how many bytes of memory a value and a container take; a pickle may ask for many in a byte each. */
const VALUE_BYTES = 16;
const LIST_BYTES = 64;
const TABLE_BYTES = 300;

/** What all values of a pickle may take in memory, its text and bytes aside: those are as long as in the file. */
const MOST_BYTES = 2 ** 30;

/** What functions may read in all, as the text, bytes and items that they are given, beside some times the file. */
const MOST_READ = 2 ** 28;
const MOST_TIMES = 4;

/** About how many bytes a function reads of what it is given. */
function readOf(args: readonly unknown[]): number {
  let bytes = 0;
  for (const given of args) {
    if (typeof given === 'string' || given instanceof Uint8Array) bytes += given.length;
    else if (Array.isArray(given)) bytes += given.length * VALUE_BYTES;
    else if (given instanceof Map || given instanceof Set) bytes += given.size * LIST_BYTES;
  }
  return bytes;
}

export interface PickleHooks {
  /** What names stand for beside Python's plain types. */
  readonly globals?: PickleGlobals;
  /** What an object stands for that lies outside of the pickle, by its id. Without this there may be none. */
  readonly persistentLoad?: (id: unknown) => unknown;
}

type Opcode = (machine: PickleMachine, input: PickleInput) => void;

/**
 * Python's stack machine for pickles (PEP 307, 3154, 574), protocols 0 to 5, for data alone: a name is looked up in tables of
 * ours, and what it stands for is called, never what the file's author meant by it.
 * Tuples are frozen arrays, lists arrays, dictionaries maps; a string of Python 2 is text with a character for each byte.
 */
export class PickleMachine {
  readonly #memo = new Map<number, unknown>();
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  /** Which function made an object that takes a state. */
  readonly #makers = new Map<object, PickleFunction>();
  /** Objects that are nothing without a state, and have none yet. */
  readonly #unfinished = new Set<object>();
  #bytes = 0;
  #read = 0;
  /** Values that were made. */
  count = 0;
  stopped = false;

  constructor(
    private readonly input: PickleInput,
    readonly hooks: PickleHooks,
  ) {}

  /** Runs until the end of the pickle, or throws `MoreBytes`, after which it can be run again. @returns the value */
  run(): unknown {
    while (!this.stopped) {
      const code = this.input.opcode();
      const opcode = opcodes[code];
      if (!opcode) {
        throw new PickleFault(`holds ${code} where an opcode of Python's pickles should be`);
      }
      opcode(this, this.input);
    }
    if (this.#unfinished.size > 0) throw new PickleFault('makes a value and gives it no state');
    return this.pop();
  }

  push(value: unknown, bytes = VALUE_BYTES): void {
    this.#bytes += bytes;
    this.count++;
    if (this.#bytes > MOST_BYTES) throw new PickleFault('holds more values than fit in 1 GiB of memory');
    this.#stack.push(value);
  }

  pushTuple(items: readonly unknown[]): void {
    this.push(Object.freeze(items), LIST_BYTES);
  }

  pop(): unknown {
    this.top();
    return this.#stack.pop();
  }

  /** The last value, which stays. */
  top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      throw new PickleFault('takes a value where there is none');
    }
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#bytes += VALUE_BYTES;
    if (this.#bytes > MOST_BYTES) throw new PickleFault('holds more marks than fit in 1 GiB of memory');
    this.#marks.push(this.#stack.length);
  }

  /** The values from the last mark on. */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new PickleFault('takes values from a mark where there is none');
    return this.#stack.splice(mark);
  }

  /** Drops the last value, or the last mark where nothing is above it. */
  drop(): void {
    if (this.#marks.length > 0 && this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  put(index: number | bigint): void {
    if (typeof index !== 'number' || index < 0) throw new PickleFault(`remembers a value as number ${index}`);
    this.#bytes += VALUE_BYTES;
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number | bigint): void {
    if (!this.#memo.has(Number(index))) throw new PickleFault(`recalls value ${index}, which it never had`);
    this.push(this.#memo.get(Number(index)));
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new PickleFault('names something by values that are no text');
    }
    this.push(this.lookUp(`${module}.${name}`));
  }

  lookUp(name: string): unknown {
    const known = this.hooks.globals?.get(name) ?? builtins.get(name);
    if (known !== undefined) return known;
    const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name;
    throw new PickleFault(
      `refers to ${JSON.stringify(shown).slice(1, -1)}, which is none of the plain data that is read: nothing of a pickle is run`,
    );
  }

  /** Calls our function in the place of the one that the pickle names. */
  call(called: unknown, args: unknown): void {
    if (!(called instanceof PickleFunction)) throw new PickleFault('calls a value that is no function');
    if (!Array.isArray(args)) throw new PickleFault(`calls ${called.name} without a tuple of arguments`);
    this.#reads(args);
    const made = called.call(args);
    if (called.setState && typeof made === 'object' && made !== null) {
      this.#makers.set(made, called);
      if (called.needsState) this.#unfinished.add(made);
    }
    this.push(made, TABLE_BYTES);
  }

  build(): void {
    const state = this.pop();
    const object = this.top();
    const maker = typeof object === 'object' && object !== null ? this.#makers.get(object) : undefined;
    if (!maker) throw new PickleFault('gives a state to a value that takes none');
    this.#reads(Array.isArray(state) ? state : [state]);
    maker.setState!(object as object, state);
    this.#unfinished.delete(object as object);
    if (maker.needsState) this.#makers.delete(object as object);
  }

  /** A function may be called with the same value again and again, and make a copy each time. */
  #reads(args: readonly unknown[]): void {
    this.#read += readOf(args);
    if (this.#read > MOST_READ + MOST_TIMES * this.input.size) {
      throw new PickleFault('makes more of its values than it can hold');
    }
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw new PickleFault('appends to a value that is no list');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw new PickleFault('sets an item of a value that is no dictionary');
    if (items.length % 2 !== 0) throw new PickleFault('has a key without a value');
    this.#bytes += (items.length / 2) * LIST_BYTES;
    for (let i = 0; i < items.length; i += 2) {
      checkHashable(items[i]);
      map.set(items[i], items[i + 1]);
    }
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw new PickleFault('adds an item to a value that is no set');
    for (const item of items) {
      checkHashable(item);
      set.add(item);
    }
  }

  persistent(id: unknown): void {
    const { persistentLoad } = this.hooks;
    if (!persistentLoad) throw new PickleFault('refers to an object that is kept outside of it');
    this.push(persistentLoad(id), TABLE_BYTES);
  }
}

const outOfBand: Opcode = () => {
  throw new PickleFault(
    'keeps data outside of the file (out-of-band buffers): write it with pickle.dump alone',
  );
};
const extension: Opcode = () => {
  throw new PickleFault('refers to the extension registry of the Python that wrote it');
};
/** An opcode whose bytes say how many bytes follow. */
const sized =
  (lengthBytes: 1 | 4 | 8, value: (bytes: Uint8Array) => unknown): Opcode =>
  (machine, input) => {
    const length = input.unsigned(lengthBytes);
    machine.push(value(input.view(length)));
  };
const bytes =
  (lengthBytes: 1 | 4 | 8): Opcode =>
  (machine, input) =>
    machine.push(input.bytes(input.unsigned(lengthBytes)));

const signed32 = (input: PickleInput) => input.unsigned(4) | 0;

/** By the names that Python's pickletools has for them. */
const opcodesByCharacter: Readonly<Record<string, Opcode>> = {
  // PROTO and FRAME, which says how many bytes belong together.
  '\x80': (_, input) => {
    const protocol = input.byte();
    if (protocol > highestProtocol) {
      throw new PickleFault(`has pickle protocol ${protocol}; 0 to ${highestProtocol} are read`);
    }
  },
  '\x95': (_, input) => void input.unsigned(8),
  '.': (machine) => {
    machine.stopped = true;
  },
  '(': (machine) => machine.mark(),
  '0': (machine) => machine.drop(),
  '1': (machine) => void machine.popToMark(),
  '2': (machine) => machine.push(machine.top()),

  // The memo: PUT, BINPUT, LONG_BINPUT, MEMOIZE, GET, BINGET, LONG_BINGET.
  p: (machine, input) => machine.put(decimalInteger(input.line())),
  q: (machine, input) => machine.put(input.byte()),
  r: (machine, input) => machine.put(input.unsigned(4)),
  '\x94': (machine) => machine.memoize(),
  g: (machine, input) => machine.get(decimalInteger(input.line())),
  h: (machine, input) => machine.get(input.byte()),
  j: (machine, input) => machine.get(input.unsigned(4)),

  // None, booleans and numbers.
  N: (machine) => machine.push(null),
  '\x88': (machine) => machine.push(true),
  '\x89': (machine) => machine.push(false),
  I: (machine, input) => {
    const line = input.line();
    const text = line.length === 2 ? latin1(line) : '';
    machine.push(text === '01' ? true : text === '00' ? false : decimalInteger(line));
  },
  L: (machine, input) => machine.push(decimalInteger(input.line())),
  F: (machine, input) => machine.push(decimalFloat(input.line())),
  J: (machine, input) => machine.push(signed32(input)),
  K: (machine, input) => machine.push(input.byte()),
  M: (machine, input) => machine.push(input.unsigned(2)),
  G: (machine, input) => {
    const taken = input.view(8);
    machine.push(new DataView(taken.buffer, taken.byteOffset, 8).getFloat64(0));
  },
  '\x8a': sized(1, binaryInteger),
  '\x8b': sized(4, binaryInteger),

  // Strings of Python 2 (STRING, BINSTRING, SHORT_BINSTRING), text, bytes and bytearrays.
  S: (machine, input) => machine.push(quoted(input.line())),
  T: sized(4, latin1),
  U: sized(1, latin1),
  V: (machine, input) => machine.push(rawUnicode(input.line())),
  X: sized(4, textOf),
  '\x8c': sized(1, textOf),
  '\x8d': sized(8, textOf),
  B: bytes(4),
  C: bytes(1),
  '\x8e': bytes(8),
  '\x96': bytes(8),
  '\x97': outOfBand,
  '\x98': outOfBand,

  // Tuples, lists, dictionaries, sets.
  ')': (machine) => machine.pushTuple([]),
  t: (machine) => machine.pushTuple(machine.popToMark()),
  '\x85': (machine) => machine.pushTuple([machine.pop()]),
  '\x86': (machine) => machine.pushTuple([machine.pop(), machine.pop()].reverse()),
  '\x87': (machine) => machine.pushTuple([machine.pop(), machine.pop(), machine.pop()].reverse()),
  ']': (machine) => machine.push([], LIST_BYTES),
  l: (machine) => machine.push(machine.popToMark(), LIST_BYTES),
  a: (machine) => {
    const item = machine.pop();
    machine.append([item]);
  },
  e: (machine) => machine.append(machine.popToMark()),
  '}': (machine) => machine.push(new Map(), TABLE_BYTES),
  d: (machine) => {
    const items = machine.popToMark();
    machine.push(new Map(), TABLE_BYTES);
    machine.setItems(items);
  },
  s: (machine) => {
    const value = machine.pop();
    machine.setItems([machine.pop(), value]);
  },
  u: (machine) => machine.setItems(machine.popToMark()),
  '\x8f': (machine) => machine.push(new Set(), TABLE_BYTES),
  '\x90': (machine) => machine.addItems(machine.popToMark()),
  '\x91': (machine) => machine.push(setOf(machine.popToMark()), TABLE_BYTES),

  // Names and what is made with them: GLOBAL, STACK_GLOBAL, REDUCE, BUILD, INST, OBJ, NEWOBJ, NEWOBJ_EX.
  c: (machine, input) => {
    const module = textOf(input.line());
    machine.global(module, textOf(input.line()));
  },
  '\x93': (machine) => {
    const name = machine.pop();
    machine.global(machine.pop(), name);
  },
  R: (machine) => {
    const args = machine.pop();
    machine.call(machine.pop(), args);
  },
  b: (machine) => machine.build(),
  i: (machine, input) => {
    const module = textOf(input.line());
    const name = textOf(input.line());
    machine.call(machine.lookUp(`${module}.${name}`), machine.popToMark());
  },
  o: (machine) => {
    const [called, ...args] = machine.popToMark();
    machine.call(called, args);
  },
  '\x81': (machine) => {
    const args = machine.pop();
    machine.call(machine.pop(), args);
  },
  '\x92': (machine) => {
    const named = machine.pop();
    if (!(named instanceof Map) || named.size > 0) {
      throw new PickleFault('makes a value with named arguments, which no value that is read has');
    }
    const args = machine.pop();
    machine.call(machine.pop(), args);
  },
  '\x82': extension,
  '\x83': extension,
  '\x84': extension,

  // PERSID and BINPERSID.
  P: (machine, input) => machine.persistent(textOf(input.line())),
  Q: (machine) => machine.persistent(machine.pop()),
};

const opcodes: (Opcode | undefined)[] = [];
for (const [character, opcode] of Object.entries(opcodesByCharacter)) {
  opcodes[character.charCodeAt(0)] = opcode;
}
