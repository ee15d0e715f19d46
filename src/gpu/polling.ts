/**
 * Dawn's binding for Node polls the device without a pause while anything is pending. On a software driver
 * that takes a core away from the device itself, which computes on the same cores. While `calm` is waiting,
 * the thread sleeps a little between two polls: the longer, the longer the work has taken, but no longer than the limit.
 */
const sleepMs = { least: 0.4, most: 4, share: 1 / 20 };

/** Work that is over sooner than this is polled for as before: a sleep would only delay it. */
const eagerMs = 1;

/** A page has neither the polling nor a thread that may sleep. */
const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
const neverNotified = isNode ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
let waiting = 0;
/** When the last wait began. */
let since = 0;
/** Whether `pause` is scheduled: there must never be two of it. */
let pausing = false;

/** `promise`, waited for with pauses. */
export function calm<T>(promise: Promise<T>): Promise<T> {
  if (!neverNotified) return promise;
  waiting++;
  since = performance.now();
  if (!pausing) {
    pausing = true;
    setImmediate(pause);
  }
  return promise.finally(() => waiting--);
}

function pause(): void {
  pausing = waiting > 0;
  if (!pausing) return;
  const waited = performance.now() - since;
  if (waited > eagerMs) {
    const sleep = Math.max(sleepMs.least, Math.min(sleepMs.most, sleepMs.share * waited));
    Atomics.wait(neverNotified!, 0, 0, sleep);
  }
  setImmediate(pause);
}
