import type { Dtype } from '../../src/tensor/dtype.js';
import { halfBits, halfValue } from '../../src/tensor/dtype.js';
import { type Shape, sizeOf } from '../../src/tensor/shape.js';
import type { Random } from './random.js';

/**
 * An operand or a result on the host. `float` becomes f32 or f16 as the test goes, and is rounded to it
 * before the kernel and the reference see it; the other types are fixed.
 */
export interface HostTensor {
  readonly shape: Shape;
  readonly kind: 'float' | 'f32' | 'u32' | 'i32';
  readonly data: Float64Array | Uint32Array | Int32Array;
}

/** Normal numbers, of type `float`. */
export function normal(random: Random, shape: Shape, scale = 1): HostTensor {
  return fill(shape, () => random.normal() * scale);
}

/** Numbers given by a function of the flat index, of type `float`. */
export function fill(shape: Shape, value: (i: number) => number): HostTensor {
  // A loop: `from` takes several times as long, which counts for a million elements.
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = value(i);
  return { shape, kind: 'float', data };
}

/** Numbers that stay f32 whatever the storage type under test. */
export function fixed(tensor: HostTensor): HostTensor {
  return { ...tensor, kind: 'f32' };
}

export function u32(shape: Shape, value: (i: number) => number): HostTensor {
  const data = new Uint32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = value(i);
  return { shape, kind: 'u32', data };
}

export function i32(shape: Shape, value: (i: number) => number): HostTensor {
  const data = new Int32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = value(i);
  return { shape, kind: 'i32', data };
}

/** A result of a reference kernel. */
export function result(shape: Shape, data: Float64Array | Uint32Array | Int32Array): HostTensor {
  const kind = data instanceof Uint32Array ? 'u32' : data instanceof Int32Array ? 'i32' : 'float';
  return { shape, kind, data };
}

/** The device type of an operand when the storage type under test is `storage`. */
export function deviceDtype(tensor: HostTensor, storage: 'f32' | 'f16'): Dtype {
  return tensor.kind === 'float' ? storage : tensor.kind;
}

/** The operand as the device will hold it: rounded to its storage type, in double precision. */
export function rounded(tensor: HostTensor, storage: 'f32' | 'f16'): HostTensor {
  const dtype = deviceDtype(tensor, storage);
  if (dtype !== 'f32' && dtype !== 'f16') return tensor;
  const data = new Float64Array(tensor.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = dtype === 'f32' ? Math.fround(tensor.data[i]!) : halfValue(halfBits(tensor.data[i]!));
  }
  return { ...tensor, data };
}

/** ‖actual − expected‖ / ‖expected‖; NaN and infinity in `actual` count as infinite unless expected. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i]!;
    const got = actual[i]!;
    if (got === want) {
      if (Number.isFinite(want)) norm += want * want;
      continue;
    }
    if (!Number.isFinite(got) || !Number.isFinite(want)) return Number.POSITIVE_INFINITY;
    const off = got - want;
    difference += off * off;
    norm += want * want;
  }
  return difference === 0 ? 0 : Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-30);
}
