/**
 * After so many milliseconds a process or a promise is taken to hang. A limit is there to end what would never end: it
 * is far beyond what the slowest machine takes.
 */
export const hangMs = 30 * 60_000;
