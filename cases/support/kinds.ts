import type { Shape } from '../../src/tensor/shape.js';
import { type HostTensor, i32, normal, u32 } from './host.js';
import type { Random } from './random.js';

/** Element types of the operations that take any. */
export type Kind = 'float' | 'u32' | 'i32';

/** Random elements of a type: normal numbers, or whole ones of few values, so that equal pairs occur. */
export function randomOf(random: Random, shape: Shape, kind: Kind): HostTensor {
  if (kind === 'u32') return u32(shape, () => random.whole(0, 9));
  if (kind === 'i32') return i32(shape, () => random.whole(-9, 9));
  return normal(random, shape);
}

/** The elements in double precision, as the reference kernels take them. */
export function doubles(tensor: HostTensor): Float64Array {
  return new Float64Array(tensor.data);
}

/** A result of a reference kernel in the type of an operand. */
export function inKindOf({ kind }: HostTensor, shape: Shape, data: Float64Array): HostTensor {
  if (kind === 'u32') return { shape, kind, data: new Uint32Array(data) };
  if (kind === 'i32') return { shape, kind, data: new Int32Array(data) };
  return { shape, kind, data };
}

/** A shape, or any list of whole numbers, as the reference kernels take it. */
export function words(list: readonly number[]): Uint32Array {
  return Uint32Array.from(list);
}
