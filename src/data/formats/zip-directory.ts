import { FileFormatError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';

/** Signatures of records, and the bytes of those of fixed size (APPNOTE.TXT 4.3). */
const END = 0x06054b50;
const END_BYTES = 22;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 0xffff;

/** A member of a zip archive, as the central directory has it. */
export interface ZipEntry {
  readonly name: string;
  /** 0: stored, 8: deflated. */
  readonly compression: number;
  readonly encrypted: boolean;
  /** Bytes in the archive, and unpacked. */
  readonly storedSize: number;
  readonly size: number;
  /** CRC-32 of the unpacked bytes. */
  readonly checksum: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/**
 * The members of a zip archive, in the order of its central directory.
 * @returns undefined where the directory is not where its end record says, as in an archive that was cut or prefixed
 */
export async function readZipDirectory(source: ByteSource): Promise<ZipEntry[] | undefined> {
  const place = await directoryPlace(source);
  if (!place || place.offset + place.length > source.size) return undefined;
  const bytes = await source.read(place.offset, place.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < place.count; ) {
    if (!holds(view, at, ENTRY, ENTRY_BYTES)) return undefined;
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true),
    ) as [number, number, number];
    const name = at + ENTRY_BYTES;
    const extra = name + nameLength;
    const end = extra + extraLength + commentLength;
    if (end > bytes.length) return undefined;
    const [storedSize, size, offset] = sizes(view, at, extra, extraLength);
    entries.push({
      name: text.decode(bytes.subarray(name, extra)),
      compression: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      checksum: view.getUint32(at + 16, true),
      ...{ storedSize, size, offset },
    });
    at = end;
  }
  return entries;
}

/** Where the bytes of a member begin. @throws FileFormatError where they are not within the archive */
export async function zipDataOffset(source: ByteSource, entry: ZipEntry): Promise<number> {
  if (entry.offset + LOCAL_BYTES <= source.size) {
    const header = await source.read(entry.offset, LOCAL_BYTES);
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    const begin = entry.offset + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
    if (view.getUint32(0, true) === LOCAL && begin + entry.storedSize <= source.size) return begin;
  }
  throw new FileFormatError(
    `${source.name}: the bytes of ${entry.name} are not where they should be: copy it again`,
  );
}

const holds = (view: DataView, at: number, signature: number, length: number): boolean =>
  at >= 0 && at + length <= view.byteLength && view.getUint32(at, true) === signature;

interface Place {
  readonly count: number;
  readonly offset: number;
  readonly length: number;
}

async function directoryPlace(source: ByteSource): Promise<Place | undefined> {
  const start = Math.max(0, source.size - END_BYTES - LONGEST_COMMENT - LOCATOR64_BYTES);
  const bytes = await source.read(start, source.size - start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_BYTES;
  while (!holds(view, end, END, END_BYTES)) if (--end < 0) return undefined;
  const place = {
    count: view.getUint16(end + 10, true),
    length: view.getUint32(end + 12, true),
    offset: view.getUint32(end + 16, true),
  };
  if (!holds(view, end - LOCATOR64_BYTES, LOCATOR64, LOCATOR64_BYTES)) return place;
  const end64 = Number(view.getBigUint64(end - LOCATOR64_BYTES + 8, true));
  if (end64 + END64_BYTES > source.size) return place;
  const record = await source.read(end64, END64_BYTES);
  const view64 = new DataView(record.buffer, record.byteOffset, record.byteLength);
  if (view64.getUint32(0, true) !== END64) return place;
  const [count, length, offset] = [32, 40, 48].map((field) => Number(view64.getBigUint64(field, true)));
  return { count: count!, length: length!, offset: offset! };
}

/** Stored size, size and offset of an entry; those that do not fit in 32 bits are in its extra field 1, in this order. */
function sizes(view: DataView, at: number, extra: number, extraLength: number): [number, number, number] {
  const fields = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  let field64 = extra;
  const end = extra + extraLength;
  while (field64 + 4 <= end && view.getUint16(field64, true) !== 1)
    field64 += 4 + view.getUint16(field64 + 2, true);
  let next = field64 + 4;
  const [size, storedSize, offset] = fields.map((value) => {
    if (value !== 0xffffffff || next + 8 > end) return value;
    next += 8;
    return Number(view.getBigUint64(next - 8, true));
  });
  return [storedSize!, size!, offset!];
}
