import { type AbortSignalLike, abortRules } from '../../abort.js';
import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  integer,
  listOf,
  objectWith,
  optional,
  text,
} from '../../arguments.js';
import { TalError } from '../../errors.js';

export interface ReadAheadOptions {
  /** Batches that are loaded while the device works on one; default 2. So many are in memory beside that one. */
  readonly ahead?: number;
  /** The first step; default 0. */
  readonly from?: number;
  /** The step before which it ends; default: never. */
  readonly to?: number;
  /** Ends the loading; the loop over the batches throws its reason. */
  readonly signal?: AbortSignalLike;
}

/**
 * The batches of successive steps, loaded while the caller works on those before: `for await (const batch of readAhead(…))`.
 * Their order is that of the steps, whichever is loaded first. What `load` throws is thrown at its step, and names it. Leaving
 * the loop ends the loading.
 * @param load the batch of a step; its signal ends with the loop
 * @throws OptionError; what `load` throws; the reason of `signal`
 */
export function readAhead<T>(
  load: (step: number, signal: AbortSignalLike) => Promise<T>,
  options: ReadAheadOptions = {},
): AsyncGenerator<T, void, undefined> {
  checkArgument('readAhead', 'load', load, callback);
  checkFields<ReadAheadOptions>('readAhead', options, {
    ahead: optional(integer(0)),
    from: optional(integer(0)),
    to: optional(integer(0)),
    ...abortRules,
  });
  return loaded(load, options);
}

async function* loaded<T>(
  load: (step: number, signal: AbortSignalLike) => Promise<T>,
  { ahead = 2, from = 0, to = Infinity, signal: outer }: ReadAheadOptions,
): AsyncGenerator<T, void, undefined> {
  const left = new AbortController();
  const signal = outer ? AbortSignal.any([outer, left.signal]) : left.signal;
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Nobody waits for it, or for what is loaded ahead, when the loop is left.
  aborted.catch(() => {});
  const pending: Promise<T>[] = [];
  let next = from;
  try {
    for (let step = from; step < to; step++) {
      signal.throwIfAborted();
      for (; next < to && next <= step + ahead; next++) {
        const batch = loadStep(load, next, signal);
        batch.catch(() => {});
        pending.push(batch);
      }
      yield await Promise.race([pending.shift()!, aborted]);
    }
  } finally {
    left.abort();
  }
}

async function loadStep<T>(
  load: (step: number, signal: AbortSignalLike) => Promise<T>,
  step: number,
  signal: AbortSignalLike,
): Promise<T> {
  try {
    return await load(step, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    throw located(`step ${step}`, error);
  }
}

const itemRule = objectWith<{ readonly id: string }>({ id: text });

/**
 * What `load` gives for each item of a batch, at once; what it throws names the item.
 * @throws OptionError; what `load` throws
 */
export async function loadItems<Item extends { readonly id: string }, T>(
  items: readonly Item[],
  load: (item: Item, place: number) => Promise<T>,
): Promise<T[]> {
  checkArguments('loadItems', { items, load }, { items: listOf(itemRule), load: callback });
  return Promise.all(
    items.map(async (item, place) => {
      try {
        return await load(item, place);
      } catch (error) {
        throw located(item.id, error);
      }
    }),
  );
}

/** The error with its place before the message, of the same class. */
function located(place: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${place}: ${error.message}`;
  if (!(error instanceof TalError)) return new Error(message, { cause: error });
  const Class = error.constructor as new (message: string, options: ErrorOptions) => TalError;
  return new Class(message, { cause: error });
}
