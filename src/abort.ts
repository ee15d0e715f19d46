import { instanceOf, optional, type Rule, type Rules } from './arguments.js';

/** `AbortSignal` where the consumer has a library with it: so the declarations need no types of pages or of Node. */
export type AbortSignalLike =
  typeof globalThis extends Record<'AbortSignal', { prototype: infer Instance }> ? Instance : object;

/** An option of functions that may take long. */
export interface Abortable {
  /** Ends the work early: the function then rejects with the reason of the signal, and what it has made is freed. */
  readonly signal?: AbortSignalLike;
}

const anySignal: Rule<AbortSignalLike> = instanceOf(AbortSignal, 'an AbortSignal');

export const abortRules: Rules<Abortable> = { signal: optional(anySignal) };

/**
 * `work`, or a rejection with the reason of the signal as soon as that is aborted.
 * @param late gets the result of work that ends after that
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignalLike | undefined,
  late: (result: T) => void,
): Promise<T> {
  if (!signal) return work;
  let stop!: () => void;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener('abort', stop);
  });
  try {
    if (!signal.aborted) await Promise.race([work, stopped]);
    if (!signal.aborted) return await work;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  work.then(late, () => {});
  throw signal.reason;
}
