import { listed } from '../../../arguments.js';
import { FileFormatError } from '../../../errors.js';
import { TensorView } from './tensors.js';

/** Plain data as JSON has it. */
export type PlainValue = null | string | number | boolean | readonly PlainValue[] | PlainRecord;
export interface PlainRecord {
  readonly [key: string]: PlainValue;
}

/** The tensors of a dictionary by name, and what it holds beside them. */
export interface StateDict {
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** What each other entry is, by its key. */
  readonly others: ReadonlyMap<string, string>;
}

/** What stands beside a state dict at the top of a checkpoint and is plain, such as the settings of the training. */
export function besideOf(root: unknown): ReadonlyMap<string, PlainValue> {
  const beside = new Map<string, PlainValue>();
  if (!(root instanceof Map)) return beside;
  for (const [key, value] of root) {
    const plain = plainOf(value);
    if (typeof key === 'string' && plain !== undefined) beside.set(key, plain);
  }
  return beside;
}

/** Undefined where it is, or holds, anything else, such as a tensor. */
function plainOf(value: unknown): PlainValue | undefined {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as PlainValue;
  if (Array.isArray(value)) {
    const items = value.map(plainOf);
    return items.includes(undefined) ? undefined : (items as PlainValue[]);
  }
  if (!(value instanceof Map)) return undefined;
  const entries = [...value].map(([key, item]) => [key, plainOf(item)] as const);
  const plain = entries.every(([key, item]) => typeof key === 'string' && item !== undefined);
  return plain ? (Object.fromEntries(entries) as PlainRecord) : undefined;
}

/** What a tensor is called that was saved by itself. */
const SINGLE = 'tensor';

/** How deep state dicts are looked for. */
const DEEPEST = 8;

type Dictionary = ReadonlyMap<unknown, unknown>;

/**
 * The state dict of a checkpoint: the dictionary that holds its tensors, at the top or in another one.
 * @param key where it is, as `model` or `ema/state_dict`; default: where there is only one
 * @throws FileFormatError where there is none at that key, or several and no key
 */
export function stateDictOf(root: unknown, name: string, key: string | undefined): StateDict {
  if (root instanceof TensorView && key === undefined) {
    return { tensors: new Map([[SINGLE, root]]), others: new Map() };
  }
  if (!(root instanceof Map)) throw new FileFormatError(`${name} holds ${kindOf(root)}, and no state dict`);
  const found = stateDicts(root);
  const places = [...found.keys()].map((place) => place || 'the top');
  if (key !== undefined) {
    const chosen = atKey(root, key);
    if (chosen && holdsTensor(chosen)) return entriesOf(chosen);
    throw new FileFormatError(
      `${name} has no state dict at ${JSON.stringify(key)}; it has ${places.length > 0 ? `some at ${listed(places, 'and')}` : 'none'}`,
    );
  }
  const [first, ...more] = found.values();
  if (!first) {
    const keys = [...root.keys()].slice(0, 8).map(String);
    throw new FileFormatError(
      `${name} holds no tensor by name, only a dictionary with ${listed(keys, 'and') || 'nothing'}`,
    );
  }
  if (more.length > 0) {
    throw new FileFormatError(
      `${name} holds several state dicts, at ${listed(places, 'and')}: choose one by its key`,
    );
  }
  return entriesOf(first);
}

/** The dictionaries of tensors that have none within them, by their place. Those under numbers are an optimizer's. */
function stateDicts(root: Dictionary): Map<string, Dictionary> {
  const found = new Map<string, Dictionary>();
  const seen = new Set<Dictionary>();
  const look = (dictionary: Dictionary, place: string, depth: number): void => {
    seen.add(dictionary);
    const before = found.size;
    for (const [key, value] of dictionary) {
      if (typeof key !== 'string' || !(value instanceof Map) || seen.has(value) || depth >= DEEPEST) continue;
      look(value, place === '' ? key : `${place}/${key}`, depth + 1);
    }
    if (found.size === before && holdsTensor(dictionary)) found.set(place, dictionary);
  };
  look(root, '', 0);
  return found;
}

function atKey(root: Dictionary, key: string): Dictionary | undefined {
  let at: unknown = root;
  if (key !== '') for (const part of key.split('/')) at = at instanceof Map ? at.get(part) : undefined;
  return at instanceof Map ? at : undefined;
}

const holdsTensor = (dictionary: Dictionary): boolean =>
  [...dictionary].some(([key, value]) => typeof key === 'string' && value instanceof TensorView);

function entriesOf(dictionary: Dictionary): StateDict {
  const tensors = new Map<string, TensorView>();
  const others = new Map<string, string>();
  for (const [key, value] of dictionary) {
    if (typeof key === 'string' && value instanceof TensorView) tensors.set(key, value);
    else others.set(String(key), kindOf(value));
  }
  return { tensors, others };
}

function kindOf(value: unknown): string {
  if (value === null) return 'None';
  if (value instanceof TensorView) return `a tensor [${value.shape.join(', ')}]`;
  if (value instanceof Map) return 'a dictionary';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'object') return 'an array or a set';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
