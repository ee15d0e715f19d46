import { described, oneOf, type Rule } from '../arguments.js';
import { DtypeError } from '../errors.js';

/** Element types of tensors. f16 is storage only: kernels compute in f32. */
export type Dtype = 'f32' | 'f16' | 'i32' | 'u32';

export const anyDtype: Rule<Dtype> = oneOf('f32', 'f16', 'i32', 'u32');

/** What kernels compute with, and store in either of the two. */
export const floatDtype = oneOf('f32', 'f16');

export const dtypeBytes: Readonly<Record<Dtype, number>> = { f32: 4, f16: 2, i32: 4, u32: 4 };

/** What `Tensor.read` gives for each type; f16 is widened to f32. */
export type HostData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Numbers that a tensor can be made of. */
export type NumberSource = ArrayLike<number>;

/** @throws DtypeError unless it is the name of a type */
export function checkDtype(where: string, dtype: unknown): asserts dtype is Dtype {
  if (anyDtype.accepts(dtype)) return;
  throw new DtypeError(`${where}: dtype must be ${anyDtype.expected}, not ${described(dtype)}`);
}

/**
 * The bytes of `data` as elements of `dtype`, padded to a multiple of 4. Always a copy. Numbers that a type of whole
 * numbers lacks become others as in JavaScript's typed arrays: rounded towards zero, modulo 2^32.
 */
export function toBytes(data: NumberSource, dtype: Dtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'f16') {
    const halves = new Uint16Array(data.length + (data.length % 2));
    for (let i = 0; i < data.length; i++) halves[i] = halfBits(data[i]!);
    return new Uint8Array(halves.buffer);
  }
  const elements = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype].from(data);
  return new Uint8Array(elements.buffer);
}

/** The first `length` elements of `bytes`. */
export function fromBytes(bytes: ArrayBuffer, dtype: Dtype, length: number): HostData {
  if (dtype === 'f16') {
    const halves = new Uint16Array(bytes, 0, length);
    // A loop: `from` takes fifteen times as long.
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = halfValue(halves[i]!);
    return values;
  }
  if (dtype === 'i32') return new Int32Array(bytes, 0, length);
  if (dtype === 'u32') return new Uint32Array(bytes, 0, length);
  return new Float32Array(bytes, 0, length);
}

const scratch = new DataView(new ArrayBuffer(8));

/** Steps of a half to one, for each exponent from that of the smallest normal half, -14, on. */
const halfSteps = Float64Array.from({ length: 30 }, (_, i) => 2 ** (24 - i));

/** IEEE 754 half-precision bits of `value`, rounded once to nearest, ties to even; NaN becomes 0x7e00. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  scratch.setFloat64(0, value);
  const top = scratch.getUint16(0);
  const sign = top & 0x8000;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // Subnormal halves have the steps of the smallest normal one.
  const exponent = Math.max(((top >> 4) & 0x7ff) - 1023 + 14, 0);
  // Adding 2^52 leaves no place for fractions, so the addition itself rounds, as IEEE 754 says.
  const steps = magnitude * halfSteps[exponent]! + 2 ** 52 - 2 ** 52;
  // A normal number has 1024 steps of its own exponent in it, which count for one exponent.
  return sign | ((exponent << 10) + steps);
}

/** The value of half-precision bits. */
export function halfValue(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : (sign * (1024 + mantissa)) / halfSteps[exponent - 1]!;
}
