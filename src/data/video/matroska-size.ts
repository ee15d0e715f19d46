import { FileFormatError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';

const EBML_ID = 0x1a45dfa3;
const SEGMENT_ID = 0x18538067;

/**
 * Checks that a Matroska or WebM file is as long as its segment says. A file that was written to a pipe does not say it.
 * @throws FileFormatError where the file ends before its segment does
 */
export async function checkMatroskaSize(source: ByteSource): Promise<void> {
  const bytes = await source.read(0, Math.min(source.size, 4096));
  const head = elementAt(bytes, 0);
  const segment = head?.id === EBML_ID && head.size !== undefined ? elementAt(bytes, head.end) : undefined;
  if (segment?.id !== SEGMENT_ID || segment.size === undefined || segment.end <= source.size) return;
  throw new FileFormatError(
    `${source.name} is cut short: its segment ends at byte ${segment.end}, the file at byte ${source.size}`,
  );
}

/** The id of four bytes and the size of the element at a place; undefined where there is none. */
function elementAt(bytes: Uint8Array, at: number) {
  if (at + 5 > bytes.length) return undefined;
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
  const length = Math.clz32(bytes[at + 4]!) - 23;
  if (length > 8 || at + 4 + length > bytes.length) return undefined;
  const mark = 2 ** (8 - length);
  let size = bytes[at + 4]! % mark;
  for (let i = 1; i < length; i++) size = size * 256 + bytes[at + 4 + i]!;
  const start = at + 4 + length;
  // All bits set: the size is not known.
  return size >= 2 ** (7 * length) - 1
    ? { id, size: undefined, end: start }
    : { id, size, end: start + size };
}
