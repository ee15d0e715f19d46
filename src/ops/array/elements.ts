import { OptionError } from '../../errors.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { type Dtype, dtypeBytes } from '../../tensor/dtype.js';

/** The type in which a kernel does arithmetic on elements of `dtype`. */
export function arithmeticType(dtype: Dtype): 'f32' | 'u32' | 'i32' {
  return dtype === 'f16' ? 'f32' : dtype;
}

/** The bits of a number in the arithmetic type of `dtype`. @throws OptionError where that type lacks it. */
export function numberBits(value: number, dtype: Dtype): number {
  if (arithmeticType(dtype) === 'f32') return new Uint32Array(Float32Array.of(value).buffer)[0]!;
  if (value !== (dtype === 'u32' ? value >>> 0 : value | 0)) {
    throw new OptionError(`${value} is no ${dtype}: cast the tensor to f32 first`);
  }
  return value >>> 0;
}

/** Vectors or units that one invocation moves: on a software driver an invocation costs more than a load. */
export function unitsEach({ deviceClass }: DeviceTraits): number {
  return deviceClass === 'software' ? 4 : 1;
}

/** A WGSL type by which elements are moved without being looked at. */
export interface Unit {
  readonly type: 'f16' | 'u32' | 'vec2<u32>' | 'vec4<u32>';
  /** Elements in one unit. */
  readonly elements: number;
}

/** The unit that is one element: what a plain copy moves. */
export function elementUnit(dtype: Dtype): Unit {
  return { type: dtype === 'f16' ? 'f16' : 'u32', elements: 1 };
}

/** The widest unit whose length divides all of `lengths` (runs, strides and offsets, in elements). */
export function widestUnit(dtype: Dtype, lengths: readonly number[]): Unit {
  for (const [type, bytes] of [
    ['vec4<u32>', 16],
    ['vec2<u32>', 8],
    ['u32', 4],
  ] as const) {
    const elements = bytes / dtypeBytes[dtype];
    if (lengths.every((length) => length % elements === 0)) return { type, elements };
  }
  return elementUnit(dtype);
}
