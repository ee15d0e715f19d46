import { ShapeError } from '../../errors.js';
import { broadcastShapes, checkShape, type Shape, sameShape, shapeText } from '../../tensor/shape.js';
import { checkTensor, type Tensor } from '../../tensor/tensor.js';
import { within } from '../call.js';
import { sum } from './reduce.js';

/** The adjoint of broadcasting: `x` summed over the axes along which `shape` was repeated. @throws ShapeError */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('sumTo', 'x', x);
  checkShape('sumTo', shape);
  if (sameShape(x.shape, shape)) return x;
  if (
    !sameShape(
      within('sumTo', () => broadcastShapes(shape, x.shape)),
      x.shape,
    )
  ) {
    throw new ShapeError(`sumTo: x ${x} is no repetition of ${shapeText(shape)}`);
  }
  const missing = x.rank - shape.length;
  const repeated = [...x.shape.keys()].filter(
    (k) => k < missing || (shape[k - missing] === 1 && x.shape[k]! > 1),
  );
  return x.runtime.scope(() =>
    (repeated.length === 0 ? x : sum(x, { axes: repeated, keepDims: true })).reshape(shape),
  );
}
