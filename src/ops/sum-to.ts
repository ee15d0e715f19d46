import { ShapeError } from '../errors.js';
import { broadcastShapes, type Shape, sameShape, shapeText } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { sum } from './reduce.js';

/** The adjoint of broadcasting: `x` summed over the axes along which `shape` was repeated. @throws ShapeError */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes(shape, x.shape), x.shape)) {
    throw new ShapeError(`${x} is no repetition of ${shapeText(shape)}`);
  }
  const missing = x.rank - shape.length;
  const repeated = [...x.shape.keys()].filter(
    (k) => k < missing || (shape[k - missing] === 1 && x.shape[k]! > 1),
  );
  return x.runtime.scope(() =>
    (repeated.length === 0 ? x : sum(x, { axes: repeated, keepDims: true })).reshape(shape),
  );
}
