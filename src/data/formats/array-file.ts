import type { ArrayDtype, NumericArray } from './array.js';

/** An array of a file that has not been read yet. */
export interface StoredArray {
  /** Undefined where it holds no numbers that are read. */
  readonly dtype: ArrayDtype | undefined;
  /** What it holds where `dtype` is undefined. */
  readonly otherKind: string;
  readonly shape: readonly number[];
}

/** A file of named arrays that is open for reading; each array is read by itself. */
export interface ArrayFile {
  /** The names of all arrays, whatever they hold; that of a `.npy` file is ''. */
  names(): readonly string[];
  /** What is known of an array before its elements are read; undefined where there is none of that name. */
  find(name: string): Promise<StoredArray | undefined>;
  /** @throws FileFormatError where there is no such array, it is damaged or holds no numbers */
  read(name: string): Promise<NumericArray>;
  close(): Promise<void>;
}
