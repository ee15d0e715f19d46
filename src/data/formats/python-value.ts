import type { NumericArray } from './array.js';

/**
 * A value of Python as this package reads it from a file: None is null, integers beyond 2^53 are BigInts, bytes are a
 * `Uint8Array`, lists and tuples are arrays, dictionaries maps, and arrays of NumPy have their dtype or their values.
 */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PythonValue[]
  | ReadonlyMap<PythonValue, PythonValue>
  | ReadonlySet<PythonValue>
  | NumericArray
  | ValueArray;

/** An array of NumPy whose elements are text or Python objects. */
export interface ValueArray {
  readonly shape: readonly number[];
  /** The elements, row-major. */
  readonly values: readonly PythonValue[];
}
