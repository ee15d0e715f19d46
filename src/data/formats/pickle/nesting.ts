import { PickleFault } from './fault.js';
import { PickleFunction } from './globals.js';

/** Containers in containers: Python itself cannot write many more. */
const DEEPEST = 500;

/** How often values may be repeated by reference: many times more is a bomb for whoever copies or prints them. */
const repeats = (values: number) => 1e6 + 8 * values;

interface Open {
  readonly value: object;
  readonly rest: Iterator<unknown>;
  depth: number;
  count: number;
}

/** What lies in a container; undefined for what is none. */
function itemsOf(value: object): Iterator<unknown> | undefined {
  if (Array.isArray(value) || value instanceof Set) return value.values();
  if (value instanceof Map) return entriesOf(value);
  const { values } = value as { readonly values?: unknown };
  return Array.isArray(values) ? values.values() : undefined;
}

function* entriesOf(map: ReadonlyMap<unknown, unknown>): Generator<unknown> {
  for (const [key, value] of map) {
    yield key;
    yield value;
  }
}

/**
 * Makes sure that whoever walks through a value comes to an end: no container holds itself, lies deeper than `DEEPEST`, or
 * stands for more values than the pickle can mean.
 * @param values how many the pickle made
 * @throws PickleFault also for a function that is no value
 */
export function checkNesting(root: unknown, values: number): void {
  /** Of each container that is done: containers in it, one in the other, and values in all. */
  const done = new Map<object, { readonly depth: number; readonly count: number }>();
  const inside = new Set<object>();
  const open: Open[] = [];
  const most = repeats(values);
  const enter = (value: unknown): void => {
    if (value instanceof PickleFunction) {
      throw new PickleFault(`holds ${value.name} itself, which is not data`);
    }
    const above = open.at(-1);
    const known = typeof value === 'object' && value !== null ? done.get(value) : undefined;
    const rest = typeof value === 'object' && value !== null && !known ? itemsOf(value) : undefined;
    if (rest) {
      if (inside.has(value as object)) throw new PickleFault('holds a container that holds itself');
      inside.add(value as object);
      open.push({ value: value as object, rest, depth: 1, count: 1 });
      if (open.length > DEEPEST) throw new PickleFault(`holds containers more than ${DEEPEST} deep`);
    } else if (above) add(above, known ?? { depth: 0, count: 1 });
  };
  const add = (above: Open, { depth, count }: { readonly depth: number; readonly count: number }): void => {
    above.depth = Math.max(above.depth, depth + 1);
    above.count += count;
    if (open.length + depth > DEEPEST) throw new PickleFault(`holds containers more than ${DEEPEST} deep`);
    if (above.count > most) {
      throw new PickleFault(`repeats its ${values} values more than ${Math.floor(most)} times by reference`);
    }
  };
  enter(root);
  while (open.length > 0) {
    const top = open.at(-1)!;
    const next = top.rest.next();
    if (!next.done) {
      enter(next.value);
      continue;
    }
    open.pop();
    inside.delete(top.value);
    done.set(top.value, { depth: top.depth, count: top.count });
    const above = open.at(-1);
    if (above) add(above, top);
  }
}
