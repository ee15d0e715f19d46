import { FileFormatError } from '../errors.js';
import {
  type ArrayDtype,
  bytesOf,
  bytesPerElement,
  elementCount,
  type NumericArray,
  viewBytes,
} from './array.js';

/** The dtypes of NumPy that are read, by their code in the header's `descr`. */
const dtypeOfCode = new Map<string, ArrayDtype>([
  ['f8', 'f64'],
  ['f4', 'f32'],
  ['f2', 'f16'],
  ['i8', 'i64'],
  ['i4', 'i32'],
  ['i2', 'i16'],
  ['i1', 'i8'],
  ['u8', 'u64'],
  ['u4', 'u32'],
  ['u2', 'u16'],
  ['u1', 'u8'],
  ['b1', 'bool'],
]);

const codeOfDtype = new Map([...dtypeOfCode].map(([code, dtype]) => [dtype, code]));

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59); // "\x93NUMPY"

/** NumPy arrays have at most this many axes. */
const MAX_RANK = 64;

const RESAVE = "save it again with numpy.save(path, array.astype('float32'))";

/** The header is a Python literal; nothing that the format allows in it is lost by reading it as JSON. */
function parsePythonLiteral(text: string): unknown {
  const json = text
    .replaceAll("'", '"')
    .replace(/\bTrue\b/g, 'true')
    .replace(/\bFalse\b/g, 'false')
    .replace(/\bNone\b/g, 'null')
    .replace(/(\d)L\b/g, '$1') // Python 2 wrote shapes as (14L, 1024L)
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .replace(/,\s*([\]}])/g, '$1');
  return JSON.parse(json);
}

const isDimension = (size: unknown): size is number => Number.isSafeInteger(size) && (size as number) >= 0;

interface Header {
  dtype: ArrayDtype;
  bigEndian: boolean;
  fortranOrder: boolean;
  shape: number[];
}

function parseHeader(text: string, name: string): Header {
  const bad = (what: string) =>
    new FileFormatError(`${name}: ${what} in the .npy header ${JSON.stringify(text.slice(0, 200).trim())}`);
  let fields: { descr?: unknown; fortran_order?: unknown; shape?: unknown };
  try {
    fields = Object(parsePythonLiteral(text));
  } catch {
    throw bad('no dictionary that can be read');
  }
  const { descr, fortran_order: fortranOrder, shape } = fields;
  if (Array.isArray(descr))
    throw bad(`a structured dtype, where one number per element is wanted: ${RESAVE};`);
  if (typeof descr !== 'string') throw bad("no 'descr'");
  if (descr.endsWith('O')) throw bad(`Python objects, which are never unpickled here: ${RESAVE};`);
  const dtype = /^[<>|=]/.test(descr) ? dtypeOfCode.get(descr.slice(1)) : undefined;
  if (!dtype) throw bad(`dtype '${descr}', which is not a real number of 1 to 8 bytes: ${RESAVE};`);
  if (typeof fortranOrder !== 'boolean') throw bad("no 'fortran_order'");
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isDimension))
    throw bad("no valid 'shape'");
  return { dtype, bigEndian: descr[0] === '>', fortranOrder, shape };
}

/** Reverses the bytes of each element. */
function swapBytes(bytes: Uint8Array, size: number): Uint8Array {
  const swapped = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) swapped[i] = bytes[i - (i % size) + size - 1 - (i % size)]!;
  return swapped;
}

/** Column-major elements of `shape` in row-major order. */
function toRowMajor(source: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const result = new Uint8Array(source.length);
  const strides = shape.map((_, axis) => size * elementCount(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += size) {
    for (let byte = 0; byte < size; byte++) result[to + byte] = source[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/**
 * Reads a NumPy `.npy` file, format versions 1 to 3 (NEP 1): real numbers and booleans, either byte order,
 * C or Fortran order. The result is row-major.
 * @param bytes the whole file
 * @param name what messages call it
 * @throws FileFormatError where the file is no .npy, is cut, holds more or less than its shape says, or
 *   holds objects, structures, strings or complex numbers
 */
export function readNpy(bytes: Uint8Array, name: string): NumericArray {
  if (bytes.length < 10 || !MAGIC.every((byte, i) => bytes[i] === byte)) {
    throw new FileFormatError(`${name} is not a .npy file: it does not start with "\\x93NUMPY"`);
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) {
    throw new FileFormatError(
      `${name} has .npy format version ${version}; versions 1 to 3 are read: ${RESAVE}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerStart = version === 1 ? 10 : 12;
  const headerEnd =
    bytes.length < headerStart
      ? Infinity
      : headerStart + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (headerEnd > bytes.length)
    throw new FileFormatError(`${name} ends within its .npy header: copy it again`);
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(
    bytes.subarray(headerStart, headerEnd),
  );
  const { dtype, bigEndian, fortranOrder, shape } = parseHeader(text, name);

  const size = bytesPerElement(dtype);
  const wanted = elementCount(shape) * size;
  const present = bytes.length - headerEnd;
  if (wanted !== present) {
    throw new FileFormatError(
      `${name}: shape [${shape.join(', ')}] of ${dtype} takes ${wanted} bytes, the file holds ${present}: ` +
        'copy or save it again',
    );
  }
  let elements = bytes.subarray(headerEnd);
  if (bigEndian) elements = swapBytes(elements, size);
  if (fortranOrder) elements = toRowMajor(elements, shape, size);
  return { dtype, shape, data: viewBytes(dtype, elements) };
}

/**
 * The bytes of a `.npy` file of `array`, little-endian, row-major (format version 1).
 * @throws FileFormatError for bf16, which the format does not know
 */
export function writeNpy(array: NumericArray): Uint8Array {
  const code = codeOfDtype.get(array.dtype);
  if (!code) throw new FileFormatError(`.npy has no ${array.dtype}: convert the array with toFloat32 first`);
  const order = bytesPerElement(array.dtype) === 1 ? '|' : '<';
  const shape = `(${array.shape.map((size) => `${size},`).join(' ')})`;
  const fields = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Padded so that the elements start at a multiple of 64 bytes.
  const header = fields.padEnd(Math.ceil((10 + fields.length + 1) / 64) * 64 - 11);
  const elements = bytesOf(array);
  const bytes = new Uint8Array(10 + header.length + 1 + elements.length);
  bytes.set(MAGIC);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, header.length + 1, true);
  bytes.set(new TextEncoder().encode(`${header}\n`), 10);
  bytes.set(elements, 10 + header.length + 1);
  return bytes;
}
