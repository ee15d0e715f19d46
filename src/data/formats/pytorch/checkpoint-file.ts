import { FileFormatError } from '../../../errors.js';
import type { ByteSource } from '../../files/byte-source.js';
import type { Storage } from './tensors.js';

/** A checkpoint of which the pickle has been read. */
export interface CheckpointFile {
  /** What was saved, with a `TensorView` for each tensor. */
  readonly root: unknown;
  /** The bytes of a storage. @throws FileFormatError */
  read(storage: Storage): Promise<Uint8Array>;
}

/** Refuses numbers that were saved by a machine of the other byte order. */
export function bigEndian(source: ByteSource): FileFormatError {
  return new FileFormatError(
    `${source.name} holds big-endian numbers, which are not read: load and save it on a little-endian machine`,
  );
}
