import { DtypeError } from '../errors.js';

/** Element types of tensors. f16 is storage only: kernels compute in f32. */
export type Dtype = 'f32' | 'f16' | 'i32' | 'u32';

export const dtypeBytes: Readonly<Record<Dtype, number>> = { f32: 4, f16: 2, i32: 4, u32: 4 };

/** What `Tensor.read` gives for each type; f16 is widened to f32. */
export type HostData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Numbers that a tensor can be made of. */
export type NumberSource = ArrayLike<number>;

/** The bytes of `data` as elements of `dtype`, padded to a multiple of 4. Always a copy. */
export function toBytes(data: NumberSource, dtype: Dtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'f16') {
    const halves = new Uint16Array(data.length + (data.length % 2));
    for (let i = 0; i < data.length; i++) halves[i] = halfBits(data[i]!);
    return new Uint8Array(halves.buffer);
  }
  const make = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype];
  if (!make) throw new DtypeError(`unknown dtype ${dtype}: use f32, f16, i32 or u32`);
  return new Uint8Array(make.from(data).buffer);
}

/** The first `length` elements of `bytes`. */
export function fromBytes(bytes: ArrayBuffer, dtype: Dtype, length: number): HostData {
  if (dtype === 'f16') {
    return Float32Array.from(new Uint16Array(bytes, 0, length), halfValue);
  }
  if (dtype === 'i32') return new Int32Array(bytes, 0, length);
  if (dtype === 'u32') return new Uint32Array(bytes, 0, length);
  return new Float32Array(bytes, 0, length);
}

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754 half-precision bits of `value`, rounded to nearest, ties to even. */
export function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00 | ((bits & 0x7fffffff) > 0x7f800000 ? 0x200 : 0);
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    const shift = 14 - exponent;
    const full = mantissa | 0x800000;
    const half = full >>> shift;
    const rest = full & ((1 << shift) - 1);
    const tie = 1 << (shift - 1);
    return sign | (half + (rest > tie || (rest === tie && half & 1) ? 1 : 0));
  }
  const half = (exponent << 10) | (mantissa >>> 13);
  const rest = mantissa & 0x1fff;
  return sign | (half + (rest > 0x1000 || (rest === 0x1000 && half & 1) ? 1 : 0));
}

/** The value of half-precision bits. */
export function halfValue(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
