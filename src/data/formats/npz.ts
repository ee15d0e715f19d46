import {
  bytes as bytesRule,
  callback,
  checkArguments,
  checkFields,
  integer,
  listOf,
  optional,
  text,
} from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import { type ByteSource, bytesSource } from '../files/byte-source.js';
import type { NumericArray } from './array.js';
import type { ArrayFile } from './array-file.js';
import { crc32 } from './crc32.js';
import { type NpyFile, parseNpy } from './npy.js';
import { readZipDirectory, type ZipEntry, zipDataOffset } from './zip-directory.js';

/** Deflate cannot shrink below about 1/1032: whatever claims more is lying (RFC 1951). */
const DEFLATE_LIMIT = 1032;

/** Packed bytes that hold the header of any array of numbers. */
const HEAD = 2 ** 17;

/** What is told about each member that is left out because it holds no numbers: its name and what it holds. */
export type OnSkipped = (member: string, reason: string) => void;

export interface NpzOptions {
  /** Refuse archives whose arrays take more bytes than this when unpacked; default 4 GiB. */
  readonly maxBytes?: number;
  /** Arrays to read, by their names without `.npy`; default: all that hold numbers. */
  readonly names?: readonly string[];
  /** Called for each array that is left out because it holds text, Python objects or other elements that are no numbers. */
  readonly onSkipped?: OnSkipped;
}

/**
 * Reads the arrays of a NumPy `.npz` archive (a zip of `.npy` files, stored or deflated), by their names without `.npy`;
 * an array in a folder of the archive is `folder/name`. Other members are skipped, and so are arrays that hold no
 * numbers, such as text or Python objects, unless `names` asks for them.
 * @param bytes the whole file
 * @param name what messages call it
 * @throws FileFormatError where it is no zip, is cut, lies about sizes, unpacks to more than `maxBytes`, where an array
 *   is damaged (CRC-32), or where one of `names` is missing or holds no numbers
 */
export async function readNpz(
  bytes: Uint8Array,
  name: string,
  options: NpzOptions = {},
): Promise<Map<string, NumericArray>> {
  checkArguments('readNpz', { bytes, name }, { bytes: bytesRule, name: text });
  checkFields<NpzOptions>('readNpz', options, {
    maxBytes: optional(integer(1)),
    names: optional(listOf(text)),
    onSkipped: optional(callback),
  });
  const { maxBytes = 2 ** 32, names, onSkipped } = options;
  const archive = await NpzFile.open(bytesSource(bytes, name));
  const wanted = archive.names().filter((member) => !names || names.includes(member));
  for (const missing of names ?? []) archive.entry(missing);
  const total = wanted.reduce((sum, member) => sum + archive.entry(member).size, 0);
  if (total > maxBytes) {
    throw new FileFormatError(
      `${name} unpacks to more than ${maxBytes} bytes: save the arrays as single .npy files`,
    );
  }
  const arrays = new Map<string, NumericArray>();
  for (const member of wanted) {
    const file = await archive.unpack(member);
    if (file.dtype || names) arrays.set(member, file.read());
    else onSkipped?.(member, file.otherKind);
  }
  return arrays;
}

/** Opens a `.npz` archive whose arrays are unpacked one by one. @throws FileFormatError where it is no zip that can be read */
export const openNpz = (source: ByteSource): Promise<ArrayFile> => NpzFile.open(source);

class NpzFile implements ArrayFile {
  private constructor(
    private readonly source: ByteSource,
    private readonly entries: ReadonlyMap<string, ZipEntry>,
  ) {}

  static async open(source: ByteSource): Promise<NpzFile> {
    const { name: path } = source;
    const entries = new Map<string, ZipEntry>();
    const directory = await readZipDirectory(source);
    if (!directory) throw unreadable(path, 'it has no central directory where it should be');
    for (const entry of directory) {
      if (!isArray(entry.name)) continue;
      const { storedSize, size, compression } = entry;
      const largest = compression === 0 ? storedSize : storedSize * DEFLATE_LIMIT;
      if (storedSize > source.size || size > largest) {
        throw new FileFormatError(
          `${path}: ${entry.name} claims ${size} bytes out of ${storedSize}: copy it again`,
        );
      }
      const name = withoutExtension(entry.name);
      if (entries.has(name)) {
        throw new FileFormatError(`${path} holds two members ${entry.name}: save it again`);
      }
      entries.set(name, entry);
    }
    return new NpzFile(source, entries);
  }

  names(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** @throws FileFormatError where there is no such array */
  entry(name: string): ZipEntry {
    const entry = this.entries.get(name);
    if (!entry) {
      throw new FileFormatError(
        `${this.source.name} holds no array ${name}, only ${this.names().join(', ') || 'none'}`,
      );
    }
    return entry;
  }

  async find(name: string): Promise<NpyFile | undefined> {
    const entry = this.entries.get(name);
    if (!entry) return undefined;
    return parseNpy(await this.unpacked(entry, HEAD), `${this.source.name}/${entry.name}`);
  }

  async read(name: string): Promise<NumericArray> {
    return (await this.unpack(name)).read();
  }

  /** The whole of a member. */
  async unpack(name: string): Promise<NpyFile> {
    const entry = this.entry(name);
    const path = this.source.name;
    const bytes = await this.unpacked(entry);
    if (bytes.length !== entry.size) {
      throw new FileFormatError(
        `${path}: ${entry.name} holds ${bytes.length} bytes where ${entry.size} are announced: copy it again`,
      );
    }
    if (crc32(bytes) !== entry.checksum) {
      throw new FileFormatError(`${path}: ${entry.name} is damaged (CRC-32): copy or save it again`);
    }
    return parseNpy(bytes, `${path}/${entry.name}`);
  }

  /** What a member, or the beginning of it, unpacks to; never more than is announced. */
  private async unpacked(entry: ZipEntry, most = Infinity): Promise<Uint8Array> {
    const { name, compression, encrypted, size, storedSize } = entry;
    const { source } = this;
    if (encrypted || (compression !== 0 && compression !== 8)) {
      throw unreadable(
        source.name,
        `${name} is ${encrypted ? 'encrypted' : 'compressed in a way that is not read'}`,
      );
    }
    const begin = await zipDataOffset(source, entry);
    const packed = await source.read(begin, Math.min(storedSize, most));
    if (compression === 0) return packed;
    // Imported when it is used: a page without a bundler then needs it for .npz files only.
    const { Inflate, inflateSync } = await import('fflate');
    try {
      if (packed.length === storedSize) return inflateSync(packed, { out: new Uint8Array(size) });
      const parts: Uint8Array[] = [];
      new Inflate((part) => parts.push(part)).push(packed);
      return joined(parts);
    } catch (cause) {
      throw unreadable(source.name, (cause as Error).message, { cause });
    }
  }

  close(): Promise<void> {
    return this.source.close();
  }
}

const unreadable = (path: string, reason: string, options?: ErrorOptions): FileFormatError =>
  new FileFormatError(
    `${path} is not a zip archive that can be read (${reason}): save it again with numpy.savez`,
    options,
  );

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether a member is an array: the archiver of macOS puts a `._NAME.npy` that is none beside each file. */
function isArray(member: string): boolean {
  return member.endsWith('.npy') && !/(^|\/)(__MACOSX\/|\._)/.test(member);
}

const withoutExtension = (member: string): string => member.slice(0, -'.npy'.length);
