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
import { FileFormatError, TalError } from '../../errors.js';
import type { NumericArray } from './array.js';
import { crc32 } from './crc32.js';
import { type NpyFile, parseNpy } from './npy.js';
import { zipChecksums } from './zip-checksums.js';

/** Deflate cannot shrink below about 1/1032: whatever claims more is lying (RFC 1951). */
const DEFLATE_LIMIT = 1032;

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
 * numbers, such as text or Python objects, unless `names` asks for them. Objects are never unpickled.
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
  const arrays = new Map<string, NumericArray>();
  for (const [member, file] of await openNpz(bytes, name, options)) {
    if (file.dtype || options.names) arrays.set(member, file.read());
    else options.onSkipped?.(member, file.otherKind);
  }
  return arrays;
}

/**
 * Unpacks the arrays of a `.npz` archive and reads their headers, whatever their elements are; with `names` those alone.
 * Arguments and errors are those of `readNpz`.
 */
export async function openNpz(
  bytes: Uint8Array,
  name: string,
  { maxBytes = 2 ** 32, names }: NpzOptions = {},
): Promise<Map<string, NpyFile>> {
  // Imported when it is used: a page without a bundler then needs it for .npz files only.
  const { unzipSync } = await import('fflate');
  const checksums = zipChecksums(bytes);
  const announced = new Map<string, { readonly size: number; readonly checksum: number }>();
  const present: string[] = [];
  let total = 0;
  let members: Record<string, Uint8Array>;
  try {
    if (!checksums) throw new Error('it has no central directory where it should be');
    let entry = 0;
    members = unzipSync(bytes, {
      filter: ({ name: member, size, originalSize, compression }) => {
        const checksum = checksums[entry++]!;
        if (!isArray(member)) return false;
        present.push(withoutExtension(member));
        if (names && !names.includes(withoutExtension(member))) return false;
        const largest = compression === 0 ? size : size * DEFLATE_LIMIT;
        if (size > bytes.length || originalSize > largest) {
          throw new FileFormatError(
            `${name}: ${member} claims ${originalSize} bytes out of ${size}: copy it again`,
          );
        }
        if (announced.has(member))
          throw new FileFormatError(`${name} holds two members ${member}: save it again`);
        announced.set(member, { size: originalSize, checksum });
        total += originalSize;
        if (total > maxBytes) {
          throw new FileFormatError(
            `${name} unpacks to more than ${maxBytes} bytes: save the arrays as single .npy files`,
          );
        }
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof TalError) throw cause;
    throw new FileFormatError(
      `${name} is not a zip archive that can be read (${(cause as Error).message}): save it again with numpy.savez`,
      { cause },
    );
  }
  for (const wanted of names ?? []) {
    if (!present.includes(wanted)) {
      throw new FileFormatError(`${name} holds no array ${wanted}, only ${present.join(', ') || 'none'}`);
    }
  }
  const files = new Map<string, NpyFile>();
  for (const [member, { size, checksum }] of announced) {
    const unpacked = members[member]!;
    if (unpacked.length !== size) {
      throw new FileFormatError(
        `${name}: ${member} holds ${unpacked.length} bytes where ${size} are announced: copy it again`,
      );
    }
    if (crc32(unpacked) !== checksum) {
      throw new FileFormatError(`${name}: ${member} is damaged (CRC-32): copy or save it again`);
    }
    files.set(withoutExtension(member), parseNpy(unpacked, `${name}/${member}`));
  }
  return files;
}

/** Whether a member is an array: the archiver of macOS puts a `._NAME.npy` that is none beside each file. */
function isArray(member: string): boolean {
  return member.endsWith('.npy') && !/(^|\/)(__MACOSX\/|\._)/.test(member);
}

const withoutExtension = (member: string): string => member.slice(0, -'.npy'.length);
