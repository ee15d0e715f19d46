import { callback, checkArguments, instanceOf, integer } from '../arguments.js';
import type { Dtype } from '../tensor/dtype.js';
import type { Freeable } from '../tensor/owner.js';
import { type Shape, sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Initial } from './initial.js';

/** How the elements of a weight are stored; f16 where the device has it. */
export type WeightDtype = Extract<Dtype, 'f32' | 'f16'>;

/** What a module keeps under a name of its checkpoints: its shape from the start, its elements once it is filled. */
export interface StoredWeight extends Freeable {
  readonly shape: Shape;
  readonly initial: Initial;
  /** The type whose range its elements must be in. */
  readonly range: WeightDtype;
  /** A part of the elements may begin at multiples of so many. */
  readonly partAlignment: number;
  /** The tensors that hold it; without elements of their own where there were none. @throws ReleasedError, FeatureError */
  tensors(): readonly Tensor[];
  /**
   * Has `write` put the elements `start` to `end` (excluded) into a tensor (end − start), f32 or f16. Both are multiples
   * of `partAlignment`, or the end of all.
   * @throws FeatureError
   */
  fill(start: number, end: number, write: (part: Tensor) => void): void;
  /** Takes new elements; where there are some already, in the same tensors, so that captures see them. */
  set(elements: Float32Array): void;
  /** The numbers that it stands for. @throws ReleasedError */
  read(): Promise<Float32Array<ArrayBuffer>>;
}

/** @throws OptionError where there is no such part of a weight */
export function checkPart(where: string, shape: Shape, start: number, end: number, write: unknown): void {
  const size = sizeOf(shape);
  const part = { start: integer(0, size - 1), end: integer(1, size), write: callback };
  checkArguments(where, { start, end, write }, part);
}

export const anyElements = instanceOf(Float32Array, 'a Float32Array');
