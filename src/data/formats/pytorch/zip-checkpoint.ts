import { FileFormatError } from '../../../errors.js';
import type { ByteSource } from '../../files/byte-source.js';
import { bytesPerElement } from '../array.js';
import { crc32 } from '../crc32.js';
import { unpickle } from '../pickle/pickle.js';
import { readZipDirectory, type ZipEntry, zipDataOffset } from '../zip-directory.js';
import { bigEndian, type CheckpointFile } from './checkpoint-file.js';
import { type Storage, torchHooks } from './tensors.js';

/**
 * Reads the pickle of a checkpoint as PyTorch 1.6 and later save it: a zip archive of stored members `NAME/data.pkl` and
 * `NAME/data/KEY`, one for each storage.
 * @throws FileFormatError
 */
export async function readZipCheckpoint(source: ByteSource): Promise<CheckpointFile> {
  const { name } = source;
  const directory = await readZipDirectory(source);
  if (!directory) {
    throw new FileFormatError(
      `${name} is a zip archive without its directory: if the file is cut, fetch it again`,
    );
  }
  const members = new Map(directory.map((entry) => [entry.name, entry]));
  if (members.size !== directory.length) throw new FileFormatError(`${name} holds two members of one name`);
  const [pickle, ...others] = [...members.keys()].filter((member) => /^[^/]+\/data\.pkl$/.test(member));
  if (pickle === undefined || others.length > 0) {
    throw new FileFormatError(`${name} is a zip archive, but no checkpoint of PyTorch: it has no data.pkl`);
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (members.has(`${folder}constants.pkl`)) {
    throw new FileFormatError(
      `${name} is a TorchScript program: save the state_dict() of the model with torch.save`,
    );
  }
  const order = members.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(await readMember(source, order)) !== 'little')
    throw bigEndian(source);

  const storages = new Map<string, Storage>();
  const entry = members.get(pickle)!;
  const bytes = await readMember(source, entry);
  const { value: root } = await unpickle(memberSource(bytes, `${name}/${pickle}`), torchHooks(storages));
  for (const { key, dtype, elements } of storages.values()) {
    const data = members.get(`${folder}data/${key}`);
    if (!data) throw new FileFormatError(`${name} lacks the storage data/${key} that its data.pkl refers to`);
    const wanted = elements * bytesPerElement(dtype);
    if (data.size !== wanted) {
      throw new FileFormatError(
        `${name}: storage data/${key} holds ${data.size} bytes, ${elements} elements of ${dtype} take ${wanted}`,
      );
    }
  }
  return { root, read: ({ key }) => readMember(source, members.get(`${folder}data/${key}`)!) };
}

/** Bytes that are in memory for this alone, which need no copy of their own. */
function memberSource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    close: async () => {},
  };
}

async function readMember(source: ByteSource, entry: ZipEntry): Promise<Uint8Array> {
  const bad = (what: string) => new FileFormatError(`${source.name}: ${entry.name} ${what}`);
  if (entry.compression !== 0 || entry.encrypted || entry.size !== entry.storedSize) {
    throw bad('is compressed or encrypted, which PyTorch never does: save it again with torch.save');
  }
  const bytes = await source.read(await zipDataOffset(source, entry), entry.size);
  // PyTorch can be told to leave checksums out: they are 0 then.
  if (entry.checksum !== 0 && crc32(bytes) !== entry.checksum) {
    throw bad('is damaged (CRC-32): copy or save it again');
  }
  return bytes;
}
