import { FileFormatError } from '../../errors.js';
import type { ByteSource } from '../files/byte-source.js';
import { type ArrayDtype, bytesPerElement, elementCount } from './array.js';

/** The dtypes of the format that are read and written, by their names in the header. */
export const dtypeOfName: ReadonlyMap<string, ArrayDtype> = new Map([
  ['F64', 'f64'],
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I16', 'i16'],
  ['I8', 'i8'],
  ['U64', 'u64'],
  ['U32', 'u32'],
  ['U16', 'u16'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
]);

/** Bits of an element of the format's other dtypes, which are listed but not read. */
const bitsOfOthers: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['F8_E4M3', 8],
  ['F8_E5M2', 8],
  ['F8_E8M0', 8],
  ['F8_E4M3FNUZ', 8],
  ['F8_E5M2FNUZ', 8],
  ['C64', 64],
]);

/** The format's own limit on the length of the header, in bytes. */
const MAX_HEADER = 100_000_000;

/** A tensor that lies in a file and has not been read yet. */
export interface StoredTensor {
  /** Undefined where its elements are of a dtype that is not read, such as float8. */
  readonly dtype: ArrayDtype | undefined;
  /** The dtype as the file names it, such as `F32` or `F8_E4M3`. */
  readonly storedDtype: string;
  readonly shape: readonly number[];
  /** Bytes that it takes in the file. */
  readonly byteLength: number;
}

/** Where a tensor's bytes are. */
export interface Location extends StoredTensor {
  readonly source: ByteSource;
  readonly offset: number;
}

export interface Header {
  readonly locations: ReadonlyMap<string, Location>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes of so many elements; undefined for a dtype that is not known, whose tensors take what the header says. */
function bytesOfElements(storedDtype: string, count: number): number | undefined {
  const dtype = dtypeOfName.get(storedDtype);
  const bits = dtype ? 8 * bytesPerElement(dtype) : bitsOfOthers.get(storedDtype);
  return bits === undefined ? undefined : (count * bits) / 8;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * The first name that occurs twice in one object of `json`, which must be valid: JSON.parse keeps the last
 * of them in silence.
 */
function duplicateName(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const start = at;
      do at += json[at] === '\\' ? 2 : 1;
      while (json[at] !== '"');
      if (!/^\s*:/.test(json.slice(at + 1, at + 100))) continue;
      const name = JSON.parse(json.slice(start, at + 1)) as string;
      if (open.at(-1)!.has(name)) return name;
      open.at(-1)!.add(name);
    }
  }
  return undefined;
}

/** Validates one entry of the header; `dataStart` is where the tensors' bytes begin in the file. */
function locate(name: string, entry: unknown, source: ByteSource, dataStart: number): Location {
  const bad = (what: string) => new FileFormatError(`${source.name}: tensor ${name} ${what}`);
  if (!isObject(entry)) throw bad('is not described by an object');
  const { dtype: storedDtype, shape, data_offsets: offsets } = entry;
  if (typeof storedDtype !== 'string') throw bad(`has no valid dtype: ${JSON.stringify(storedDtype)}`);
  if (!Array.isArray(shape) || !shape.every(isSize))
    throw bad(`has no valid shape: ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw bad(`has no valid data_offsets: ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const byteLength = end - begin;
  const wanted = bytesOfElements(storedDtype, elementCount(shape)) ?? Math.max(byteLength, 0);
  if (byteLength !== wanted) {
    throw bad(
      `[${shape.join(', ')}] of ${storedDtype} takes ${wanted} bytes, its data_offsets span ${byteLength}`,
    );
  }
  if (dataStart + end > source.size) {
    throw bad(`ends at byte ${dataStart + end} of a file of ${source.size}: the file is cut, fetch it again`);
  }
  const dtype = dtypeOfName.get(storedDtype);
  return { dtype, storedDtype, shape, byteLength, source, offset: dataStart + begin };
}

/** Tensors must follow one another from the first to the last byte, without gap or overlap. */
function checkContiguous(
  locations: ReadonlyMap<string, Location>,
  source: ByteSource,
  dataStart: number,
): void {
  let expected = dataStart;
  const byOffset = [...locations].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const [name, location] of byOffset) {
    if (location.offset !== expected) {
      const fault = location.offset < expected ? 'overlaps the one before it' : 'leaves a gap before it';
      throw new FileFormatError(`${source.name}: tensor ${name} ${fault}`);
    }
    expected += location.byteLength;
  }
  if (expected !== source.size) {
    throw new FileFormatError(
      `${source.name} holds ${source.size - expected} bytes that belong to no tensor: fetch it again`,
    );
  }
}

/**
 * Reads and validates the header of a safetensors file: a length as u64, then that many bytes of JSON
 * `{name: {dtype, shape, data_offsets}, __metadata__: {string: string}}`, then the tensors' bytes. A tensor of a dtype that
 * is not read is described all the same: nobody may ask for it.
 * @throws FileFormatError where any rule of the format is broken
 */
export async function readHeader(source: ByteSource): Promise<Header> {
  const bad = (what: string) => new FileFormatError(`${source.name} is not a safetensors file: ${what}`);
  if (source.size < 8) throw bad(`it has ${source.size} bytes, fewer than the 8 of the header's length`);
  const length = new DataView((await source.read(0, 8)).buffer).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw bad(`its header would have ${length} bytes, over the format's ${MAX_HEADER}`);
  const dataStart = 8 + Number(length);
  if (dataStart > source.size) {
    throw bad(
      `its header would end at byte ${dataStart} of ${source.size}: if the file is cut, fetch it again`,
    );
  }
  const bytes = await source.read(8, Number(length));
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new FileFormatError(`${source.name} is not a safetensors file: its header is not JSON`, { cause });
  }
  if (!isObject(header)) throw bad('its header is not an object');
  const twice = duplicateName(text);
  if (twice !== undefined) throw bad(`its header names ${JSON.stringify(twice)} twice`);
  const { __metadata__: given, ...entries } = header;
  // The reference implementation takes null for none.
  const metadata = given ?? {};
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw bad('its __metadata__ is not an object of strings');
  }
  const locations = new Map<string, Location>();
  for (const [name, entry] of Object.entries(entries)) {
    locations.set(name, locate(name, entry, source, dataStart));
  }
  checkContiguous(locations, source, dataStart);
  return { locations, metadata: metadata as Record<string, string> };
}
