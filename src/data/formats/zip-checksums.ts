/** Signatures of records, and the bytes of those of fixed size (APPNOTE.TXT 4.3). */
const END = 0x06054b50;
const END_BYTES = 22;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const END64 = 0x06064b50;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LONGEST_COMMENT = 0xffff;

/**
 * The CRC-32 that a zip archive states for each member, in the order of its central directory.
 * @returns undefined where the directory is not where its end record says, as in an archive that was cut or prefixed
 */
export function zipChecksums(bytes: Uint8Array): number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const holds = (at: number, signature: number, length: number) =>
    at >= 0 && at + length <= bytes.length && view.getUint32(at, true) === signature;
  let end = bytes.length - END_BYTES;
  while (!holds(end, END, END_BYTES)) {
    if (end-- <= Math.max(0, bytes.length - END_BYTES - LONGEST_COMMENT)) return undefined;
  }
  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (holds(end - LOCATOR64_BYTES, LOCATOR64, LOCATOR64_BYTES)) {
    const end64 = Number(view.getBigUint64(end - LOCATOR64_BYTES + 8, true));
    if (holds(end64, END64, 56)) {
      count = Number(view.getBigUint64(end64 + 32, true));
      at = Number(view.getBigUint64(end64 + 48, true));
    }
  }
  const checksums: number[] = [];
  while (checksums.length < count) {
    if (!holds(at, ENTRY, ENTRY_BYTES)) return undefined;
    checksums.push(view.getUint32(at + 16, true));
    // The lengths of what follows: name, extra fields, comment.
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    at += ENTRY_BYTES + name! + extra! + comment!;
  }
  return checksums;
}
