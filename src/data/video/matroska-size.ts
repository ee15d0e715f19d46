import { FileFormatError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';

const EBML_ID = 0x1a45dfa3;
const SEGMENT_ID = 0x18538067;
const CLUSTER_ID = 0x1f43b675;
/** The most bytes of an element's id and size. */
const HEAD_BYTES = 12;

/**
 * Checks that a Matroska or WebM file is as long as its segment says. A file that was written to a pipe does not say it;
 * then its clusters must be whole. A cluster of unknown size, as in a live recording, may end anywhere.
 * @throws FileFormatError where the file ends before its segment or one of its clusters does
 */
export async function checkMatroskaSize(source: ByteSource): Promise<void> {
  const head = await elementAt(source, 0);
  if (head?.id !== EBML_ID || head.size === undefined) return;
  const segment = await elementAt(source, head.end);
  if (segment?.id !== SEGMENT_ID) return;
  if (segment.size !== undefined) return checkEnd(source, 'segment', segment.end);
  for (let at = segment.end; at < source.size; ) {
    const part = await elementAt(source, at);
    if (part?.size === undefined) return;
    if (part.id === CLUSTER_ID) checkEnd(source, 'last cluster', part.end);
    at = part.end;
  }
}

function checkEnd({ name, size }: ByteSource, what: string, end: number): void {
  if (end <= size) return;
  throw new FileFormatError(
    `${name} is cut short: its ${what} ends at byte ${end}, the file at byte ${size}`,
  );
}

/** The id and the size of the element at a place; undefined where there is none. */
async function elementAt(source: ByteSource, at: number) {
  const bytes = await source.read(at, Math.min(HEAD_BYTES, source.size - at));
  const idLength = lengthAt(bytes, 0);
  const sizeLength = lengthAt(bytes, idLength);
  const start = idLength + sizeLength;
  if (idLength > 4 || sizeLength > 8 || start > bytes.length) return undefined;
  const id = bigEndian(bytes.subarray(0, idLength));
  // The first bit that is set marks the length and is no part of the size.
  bytes[idLength]! %= 2 ** (8 - sizeLength);
  const size = bigEndian(bytes.subarray(idLength, start));
  // All bits set: the size is not known.
  const known = size < 2 ** (7 * sizeLength) - 1;
  return known ? { id, size, end: at + start + size } : { id, size: undefined, end: at + start };
}

/** How many bytes an id or a size takes: the zeros before its first bit that is set, and one; 9 where there is none. */
const lengthAt = (bytes: Uint8Array, at: number) => Math.clz32(bytes[at] ?? 0) - 23;

const bigEndian = (bytes: Uint8Array) => bytes.reduce((value, byte) => value * 256 + byte, 0);
