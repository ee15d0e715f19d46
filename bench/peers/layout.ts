import { type Shape, sizeOf } from '../../src/tensor/shape.js';

/** A dense tensor with its axes in another order, on the host: axis i of the result is axis `axes[i]` of `data`. */
export function permuted(
  data: ArrayLike<number>,
  shape: Shape,
  axes: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = axes.map((axis) => sizeOf(shape.slice(axis + 1)));
  const sizes = axes.map((axis) => shape[axis]!);
  const out = new Float32Array(data.length);
  let at = 0;
  const copy = (axis: number, from: number): void => {
    const [size, stride] = [sizes[axis]!, strides[axis]!];
    for (let i = 0; i < size; i++) {
      if (axis === sizes.length - 1) out[at++] = data[from + i * stride]!;
      else copy(axis + 1, from + i * stride);
    }
  };
  copy(0, 0);
  return out;
}
