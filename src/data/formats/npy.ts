import {
  anyNumber,
  bytes as bytesRule,
  checkArgument,
  checkArguments,
  described,
  listOf,
  optional,
  text as textRule,
} from '../../arguments.js';
import { FileFormatError, OptionError, ShapeError } from '../../errors.js';
import {
  type ArrayData,
  type ArrayDtype,
  arrayRule,
  bytesOf,
  bytesPerElement,
  dtypeOfTypedArray,
  elementCount,
  type NumericArray,
  type TypedArray,
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

/**
 * The header is a Python literal; nothing that the format allows in it is lost by reading it as JSON. Strings are taken
 * as wholes, so that the names of a structured dtype may hold quotes, brackets and words of Python.
 */
function parsePythonLiteral(text: string): unknown {
  const json = text.replace(
    /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|\bTrue\b|\bFalse\b|\bNone\b|(?<=\d)L\b|[()]|,(?=\s*[)\]}])/gs,
    (token, single?: string, double?: string) =>
      JSON.stringify(single ?? double) ?? { '(': '[', ')': ']', L: '', ',': '' }[token] ?? constants[token],
  );
  return JSON.parse(json);
}

/** Python's constants in JSON. */
const constants: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' };

const isDimension = (size: unknown): size is number => Number.isSafeInteger(size) && (size as number) >= 0;

export const isShape = (shape: unknown): shape is readonly number[] =>
  Array.isArray(shape) && shape.length <= MAX_RANK && shape.every(isDimension);

/** The numbers that a dtype such as `<f4` says; no dtype where it is none of those that are read. */
export function dtypeOf(descr: string): Pick<NpyHeader, 'dtype' | 'bigEndian'> {
  const dtype = /^[<>|=]/.test(descr) ? dtypeOfCode.get(descr.slice(1)) : undefined;
  return { dtype, bigEndian: descr[0] === '>' };
}

/** What the header of a `.npy` says. */
export interface NpyHeader {
  /** Undefined where the elements are no numbers that are read. */
  readonly dtype: ArrayDtype | undefined;
  /** NumPy's name of the dtype. */
  readonly descr: string;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

function parseFields(text: string, name: string): NpyHeader {
  const bad = (what: string) =>
    new FileFormatError(`${name}: ${what} in the .npy header ${JSON.stringify(text.slice(0, 200).trim())}`);
  let fields: { descr?: unknown; fortran_order?: unknown; shape?: unknown };
  try {
    fields = Object(parsePythonLiteral(text));
  } catch {
    throw bad('no dictionary that can be read');
  }
  const { descr, fortran_order: fortranOrder, shape } = fields;
  if (typeof descr !== 'string' && !Array.isArray(descr)) throw bad("no 'descr'");
  if (typeof fortranOrder !== 'boolean') throw bad("no 'fortran_order'");
  if (!isShape(shape)) throw bad("no valid 'shape'");
  if (Array.isArray(descr)) {
    return { dtype: undefined, descr: JSON.stringify(descr), bigEndian: false, fortranOrder, shape };
  }
  return { ...dtypeOf(descr), descr, fortranOrder, shape };
}

/** What elements of a dtype are that is not read, by its letter in `descr`. */
const otherKinds: Readonly<Record<string, string>> = {
  O: 'Python objects',
  U: 'text',
  S: 'byte strings',
  c: 'complex numbers',
  M: 'dates',
  m: 'time differences',
};

/** What elements are whose dtype is none of those that are read as numbers. */
export function otherKind(descr: string): string {
  if (descr.startsWith('[')) return `a structured dtype ${descr.slice(0, 100)}`;
  const kind =
    otherKinds[/^[<>|=]?(.)/.exec(descr)?.[1] ?? ''] ?? 'elements that are no real numbers of 1 to 8 bytes';
  return `${kind} (dtype '${descr}')`;
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

/** A `.npy` file of which only the header has been looked at. */
export interface NpyFile {
  /** Undefined where the elements are no numbers that are read. */
  readonly dtype: ArrayDtype | undefined;
  readonly shape: readonly number[];
  /** What the elements are where `dtype` is undefined: text, objects, …, with NumPy's name of the dtype. */
  readonly otherKind: string;
  /** @throws FileFormatError where the file holds more or less than its shape says, or no numbers */
  read(): NumericArray;
}

/** Bytes of a file that say how long its header is. */
export const NPY_START = 12;

/**
 * Where the header of a `.npy` file ends, format versions 1 to 3 (NEP 1).
 * @param bytes the first of the file, `NPY_START` of them where it has as many
 * @param size bytes of the file
 * @throws FileFormatError where the file is no .npy, or its header would end after it
 */
export function npyHeaderEnd(bytes: Uint8Array, size: number, name: string): number {
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
  const start = headerStart(version);
  const length =
    bytes.length < start ? Infinity : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > size) throw new FileFormatError(`${name} ends within its .npy header: copy it again`);
  return start + length;
}

const headerStart = (version: number): number => (version === 1 ? 10 : 12);

/** The header of a `.npy` file, of which `bytes` are those up to the end of the header. @throws FileFormatError */
export function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  const version = bytes[6]!;
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(
    bytes.subarray(headerStart(version)),
  );
  return parseFields(text, name);
}

/**
 * Reads the header of a `.npy` file, whatever its elements are.
 * @param bytes the whole file
 * @param name what messages call it
 * @throws FileFormatError where the file is no .npy, or its header is damaged
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyFile {
  const end = npyHeaderEnd(bytes, bytes.length, name);
  const header = parseNpyHeader(bytes.subarray(0, end), name);
  return {
    dtype: header.dtype,
    shape: header.shape,
    otherKind: otherKind(header.descr),
    read: () => readElements(bytes.subarray(end), header, name),
  };
}

/** The numbers of an array, row-major, from their bytes as NumPy keeps them. @throws FileFormatError */
export function readElements(
  stored: Uint8Array,
  { dtype, descr, bigEndian, fortranOrder, shape }: NpyHeader,
  name: string,
): NumericArray {
  if (!dtype) {
    throw new FileFormatError(
      `${name} holds ${otherKind(descr)}: read text and objects with readNpyValues, or ${RESAVE}`,
    );
  }
  const size = bytesPerElement(dtype);
  const wanted = elementCount(shape) * size;
  if (wanted !== stored.length) {
    throw new FileFormatError(
      `${name}: shape [${shape.join(', ')}] of ${dtype} takes ${wanted} bytes, the file holds ${stored.length}: ` +
        'copy or save it again',
    );
  }
  let elements = stored;
  if (bigEndian) elements = swapBytes(elements, size);
  if (fortranOrder) elements = toRowMajor(elements, shape, size);
  return { dtype, shape, data: viewBytes(dtype, elements) };
}

/**
 * Reads a NumPy `.npy` file, format versions 1 to 3 (NEP 1): real numbers and booleans, either byte order,
 * C or Fortran order. The result is row-major.
 * @param bytes the whole file
 * @param name what messages call it
 * @throws FileFormatError where the file is no .npy, is cut, holds more or less than its shape says, or
 *   holds objects or text (see `readNpyValues`), structures or complex numbers
 */
export function readNpy(bytes: Uint8Array, name: string): NumericArray {
  checkArguments('readNpy', { bytes, name }, { bytes: bytesRule, name: textRule });
  return parseNpy(bytes, name).read();
}

/**
 * The bytes of a `.npy` file, little-endian, row-major (format version 1).
 * @param array an array with its dtype and shape, or a typed array, whose type says the dtype and whose `shape` is given
 *   beside it; default: one axis
 * @throws FileFormatError for bf16, which the format does not know; ShapeError where a shape does not fit the elements;
 *   OptionError where `array` is neither, or has a shape of its own beside `shape`
 */
export function writeNpy(array: NumericArray): Uint8Array;
export function writeNpy(array: TypedArray, shape?: readonly number[]): Uint8Array;
export function writeNpy(given: NumericArray | TypedArray, shape?: readonly number[]): Uint8Array {
  const array = numericArray(given, shape);
  const code = codeOfDtype.get(array.dtype);
  if (!code) throw new FileFormatError(`.npy has no ${array.dtype}: convert the array with toFloat32 first`);
  const order = bytesPerElement(array.dtype) === 1 ? '|' : '<';
  const axes = `(${array.shape.map((size) => `${size},`).join(' ')})`;
  const fields = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${axes}, }`;
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

/** An array as it is, or a typed array with its dtype and shape. */
function numericArray(given: NumericArray | TypedArray, shape: readonly number[] | undefined): NumericArray {
  if (!ArrayBuffer.isView(given)) {
    checkArgument('writeNpy', 'array', given, arrayRule);
    if (shape !== undefined) throw new OptionError('writeNpy: shape goes with a typed array alone');
    return given;
  }
  const dtype = dtypeOfTypedArray(given);
  if (!dtype) {
    throw new OptionError(
      `writeNpy: array must be a typed array of numbers or BigInts, not ${described(given)}`,
    );
  }
  checkArgument('writeNpy', 'shape', shape, optional(listOf(anyNumber)));
  const axes = shape ?? [given.length];
  if (!axes.every(isDimension) || elementCount(axes) !== given.length) {
    throw new ShapeError(`writeNpy: shape [${axes.join(', ')}] does not hold ${given.length} elements`);
  }
  return { dtype, shape: axes, data: given as ArrayData };
}
