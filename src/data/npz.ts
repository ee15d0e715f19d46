import { FileFormatError, TalError } from '../errors.js';
import type { NumericArray } from './array.js';
import { readNpy } from './npy.js';

/** Deflate cannot shrink below about 1/1032: whatever claims more is lying (RFC 1951). */
const DEFLATE_LIMIT = 1032;

export interface NpzOptions {
  /** Refuse archives whose arrays take more bytes than this when unpacked; default 4 GiB. */
  maxBytes?: number;
}

/**
 * Reads the arrays of a NumPy `.npz` archive (a zip of `.npy` files, stored or deflated), by their names
 * without `.npy`. Other members are skipped.
 * @param bytes the whole file
 * @param name what messages call it
 * @throws FileFormatError where it is no zip, is cut, lies about sizes, or unpacks to more than `maxBytes`
 */
export async function readNpz(
  bytes: Uint8Array,
  name: string,
  { maxBytes = 2 ** 32 }: NpzOptions = {},
): Promise<Map<string, NumericArray>> {
  // Imported when it is used: a page without a bundler then needs it for .npz files only.
  const { unzipSync } = await import('fflate');
  const sizes = new Map<string, number>();
  let total = 0;
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter: ({ name: member, size, originalSize, compression }) => {
        if (!member.endsWith('.npy')) return false;
        const largest = compression === 0 ? size : size * DEFLATE_LIMIT;
        if (size > bytes.length || originalSize > largest) {
          throw new FileFormatError(
            `${name}: ${member} claims ${originalSize} bytes out of ${size}: copy it again`,
          );
        }
        if (sizes.has(member))
          throw new FileFormatError(`${name} holds two members ${member}: save it again`);
        sizes.set(member, originalSize);
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
  const arrays = new Map<string, NumericArray>();
  for (const [member, size] of sizes) {
    const unpacked = members[member]!;
    if (unpacked.length !== size) {
      throw new FileFormatError(
        `${name}: ${member} holds ${unpacked.length} bytes where ${size} are announced: copy it again`,
      );
    }
    arrays.set(member.slice(0, -'.npy'.length), readNpy(unpacked, `${name}/${member}`));
  }
  return arrays;
}
