import { callback, checkArgument, flag, integer, optional, type Rule } from '../arguments.js';
import { anyRuntime } from '../tensor/runtime.js';
import type { Initial } from './initial.js';

/** Rules of options that several layers have. */
export const anyInitial: Rule<Initial> = callback;
export const layerRules = { bias: optional(flag), initial: optional(anyInitial) };

const size = integer(1);

/** Checks what every layer takes first: its runtime, and sizes of at least 1 by their names. @throws OptionError */
export function checkLayer(where: string, runtime: unknown, sizes: Readonly<Record<string, unknown>>): void {
  checkArgument(where, 'runtime', runtime, anyRuntime);
  for (const [name, value] of Object.entries(sizes)) checkArgument(where, name, value, size);
}
