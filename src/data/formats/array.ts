import { integer, listOf, objectWith, oneOf, type Rule, rule } from '../../arguments.js';
import { DtypeError } from '../../errors.js';

/** One constructor for each dtype, as {@link ArrayStorage} has it. */
const storage = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u64: BigUint64Array,
  u32: Uint32Array,
  u16: Uint16Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Element types of the files this package reads. `f16` and `bf16` are held as their 16 bits. */
export type ArrayDtype = keyof typeof storage;

/** The typed array that holds the elements of a dtype. */
export interface ArrayStorage {
  readonly f64: Float64Array;
  readonly f32: Float32Array;
  readonly f16: Uint16Array;
  readonly bf16: Uint16Array;
  readonly i64: BigInt64Array;
  readonly i32: Int32Array;
  readonly i16: Int16Array;
  readonly i8: Int8Array;
  readonly u64: BigUint64Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  readonly bool: Uint8Array;
}

export type ArrayData = ArrayStorage[ArrayDtype];

/** A dense row-major array in host memory, as a file holds it: no device, no gradient. */
export interface NumericArray<D extends ArrayDtype = ArrayDtype> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: ArrayStorage[D];
}

/** A typed array whose type says the dtype of its elements. */
export type TypedArray = ArrayData | Uint8ClampedArray;

/**
 * The dtype that a typed array's type says, by its name, so that arrays of another realm and `Float16Array`, which not
 * every engine has, count too; undefined for what is no typed array.
 */
export function dtypeOfTypedArray(array: ArrayBufferView): ArrayDtype | undefined {
  const { [Symbol.toStringTag]: name } = array as unknown as { [Symbol.toStringTag]?: string };
  return dtypeOfType.get(name ?? '');
}

const dtypeOfType: ReadonlyMap<string, ArrayDtype> = new Map([
  ['Float64Array', 'f64'],
  ['Float32Array', 'f32'],
  ['Float16Array', 'f16'],
  ['BigInt64Array', 'i64'],
  ['Int32Array', 'i32'],
  ['Int16Array', 'i16'],
  ['Int8Array', 'i8'],
  ['BigUint64Array', 'u64'],
  ['Uint32Array', 'u32'],
  ['Uint16Array', 'u16'],
  ['Uint8Array', 'u8'],
  ['Uint8ClampedArray', 'u8'],
]);
const dtypes = Object.keys(storage) as ArrayDtype[];

export const arrayRule: Rule<NumericArray> = {
  ...rule<NumericArray>('an array with dtype, shape and data that fit together', (value) => {
    if (!partsRule.accepts(value)) return false;
    const { dtype, shape, data } = value;
    return data instanceof storage[dtype] && data.length === elementCount(shape);
  }),
  fault: (name, value) => (partsRule.accepts(value) ? undefined : partsRule.fault?.(name, value)),
};

const partsRule = objectWith<NumericArray>({
  dtype: oneOf(...dtypes),
  shape: listOf(integer(0)),
  data: rule('a typed array', (value) => ArrayBuffer.isView(value) && !(value instanceof DataView)),
});

export const bytesPerElement = (dtype: ArrayDtype): number => storage[dtype].BYTES_PER_ELEMENT;

/** Number of elements of a shape; not a safe integer where the shape is absurd, so check before use. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Views `bytes` (little-endian, a whole number of elements) as `dtype`; copies only where misaligned. */
export function viewBytes(dtype: ArrayDtype, bytes: Uint8Array): ArrayData {
  const size = bytesPerElement(dtype);
  // Not `slice`: that of a Buffer copies nothing.
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new storage[dtype](buffer as ArrayBuffer, byteOffset, bytes.byteLength / size);
}

/** The bytes of an array's elements, without a copy. */
export const bytesOf = ({ data }: NumericArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

// One exact table of the 65,536 halves is smaller and faster than decoding each element anew.
let halves: Float32Array | undefined;

function halfTable(): Float32Array {
  if (halves) return halves;
  halves = new Float32Array(1 << 16);
  for (let bits = 0; bits < halves.length; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    halves[bits] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return halves;
}

/**
 * The values of `array` as f32, rounded to nearest; the data itself, not a copy, where it is f32 already.
 * f64 beyond the range of f32 becomes infinite, 64-bit integers lose what 24 bits do not hold.
 */
export function toFloat32({ dtype, data }: NumericArray): Float32Array {
  switch (dtype) {
    case 'f32':
      return data as Float32Array;
    case 'f16': {
      const table = halfTable();
      const halves = data as Uint16Array;
      const widened = new Float32Array(halves.length);
      // A loop: `Float32Array.from` takes ten times as long, and data sets are read by the million.
      for (let i = 0; i < halves.length; i++) widened[i] = table[halves[i]!]!;
      return widened;
    }
    case 'bf16': {
      const widened = new Uint32Array(data.length);
      for (let i = 0; i < data.length; i++) widened[i] = (data as Uint16Array)[i]! << 16;
      return new Float32Array(widened.buffer);
    }
    case 'i64':
    case 'u64':
      return Float32Array.from(data as BigInt64Array | BigUint64Array, Number);
    case 'f64':
    case 'i32':
    case 'i16':
    case 'i8':
    case 'u32':
    case 'u16':
    case 'u8':
    case 'bool':
      return new Float32Array(data as Float64Array);
    default:
      throw new DtypeError(`An array of dtype ${dtype satisfies never} cannot be converted to f32`);
  }
}
