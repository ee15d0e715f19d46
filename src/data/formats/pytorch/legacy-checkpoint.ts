import { FileFormatError } from '../../../errors.js';
import type { ByteSource } from '../../files/byte-source.js';
import { bytesPerElement } from '../array.js';
import { unpickle } from '../pickle/pickle.js';
import { bigEndian, type CheckpointFile } from './checkpoint-file.js';
import { type Storage, torchHooks } from './tensors.js';

/** The first pickle of a file, and the second. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** Bytes before those of a storage, which say how many elements it has. */
const COUNT_BYTES = 8;

/**
 * Reads the pickles of a checkpoint as PyTorch before 1.6 saved it: a magic number, the version, facts about the system, what
 * was saved, and the keys of its storages, whose bytes follow in that order.
 * @throws FileFormatError
 */
export async function readLegacyCheckpoint(source: ByteSource): Promise<CheckpointFile> {
  const { name, size } = source;
  const magic = await unpickle(source);
  if (magic.value !== MAGIC) {
    throw new FileFormatError(`${name} is a pickle, but no checkpoint of PyTorch: save it with torch.save`);
  }
  const version = await unpickle(source, {}, magic.end);
  if (version.value !== PROTOCOL) {
    throw new FileFormatError(
      `${name} has version ${String(version.value)} of PyTorch's format, not ${PROTOCOL}`,
    );
  }
  const system = await unpickle(source, {}, version.end);
  if (!(system.value instanceof Map))
    throw new FileFormatError(`${name} says nothing of the system that wrote it`);
  if (system.value.get('little_endian') !== true) throw bigEndian(source);

  const storages = new Map<string, Storage>();
  const { value: root, end } = await unpickle(source, torchHooks(storages), system.end);
  const keys = await unpickle(source, {}, end);
  if (!Array.isArray(keys.value)) throw new FileFormatError(`${name} does not list its storages`);
  const offsets = new Map<string, number>();
  let offset = keys.end;
  for (const key of keys.value as readonly unknown[]) {
    const storage = storages.get(String(key));
    if (!storage) throw new FileFormatError(`${name} holds a storage ${String(key)} that nothing refers to`);
    const bytes = storage.elements * bytesPerElement(storage.dtype);
    if (offset + COUNT_BYTES + bytes > size) {
      throw new FileFormatError(`${name} ends within its storages: it is cut, fetch it again`);
    }
    const count = new DataView((await source.read(offset, COUNT_BYTES)).buffer).getBigInt64(0, true);
    if (count !== BigInt(storage.elements)) {
      throw new FileFormatError(
        `${name}: storage ${storage.key} has ${count} elements, not ${storage.elements}`,
      );
    }
    offsets.set(storage.key, offset + COUNT_BYTES);
    offset += COUNT_BYTES + bytes;
  }
  const lost = [...storages.keys()].find((key) => !offsets.has(key));
  if (lost !== undefined)
    throw new FileFormatError(`${name} lacks the storage ${lost} of one of its tensors`);
  return {
    root,
    read: ({ key, dtype, elements }) => source.read(offsets.get(key)!, elements * bytesPerElement(dtype)),
  };
}
