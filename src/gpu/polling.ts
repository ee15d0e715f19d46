/**
 * Dawn's binding for Node polls the device without a pause while anything is pending. On a software driver
 * that takes a core away from the device itself, which computes on the same cores. While `calm` is waiting,
 * the thread sleeps a little between two polls.
 */
const sleepMs = 0.4;

/** Work that is over sooner than this is polled for as before: a sleep would only delay it. */
const eagerMs = 1;

/** A page has neither the polling nor a thread that may sleep. */
const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
const neverNotified = isNode ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
let waiting = 0;
let since = 0;
/** Whether `pause` is scheduled: there must never be two of it. */
let pausing = false;

/** `promise`, waited for with pauses. */
export function calm<T>(promise: Promise<T>): Promise<T> {
  if (!neverNotified) return promise;
  if (waiting++ === 0) since = performance.now();
  if (!pausing) {
    pausing = true;
    setImmediate(pause);
  }
  return promise.finally(() => waiting--);
}

function pause(): void {
  pausing = waiting > 0;
  if (!pausing) return;
  if (performance.now() - since > eagerMs) Atomics.wait(neverNotified!, 0, 0, sleepMs);
  setImmediate(pause);
}
