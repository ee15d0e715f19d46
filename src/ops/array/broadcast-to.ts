import { checkArgument, integer } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { axisOf, broadcastShapes, type Shape, sameShape, shapeText } from '../../tensor/shape.js';
import { checkTensor, type Tensor } from '../../tensor/tensor.js';
import { integers } from '../rules.js';
import { stridedOperation } from './strided.js';
import { broadcastStrides } from './strides.js';

export const broadcastToOperation = stridedOperation<{ readonly shape: Shape }>(
  'broadcastTo',
  { shape: integers },
  (x, { shape }) => {
    if (!sameShape(broadcastShapes(x.shape, shape), shape)) {
      throw new ShapeError(`${x} does not broadcast to ${shapeText(shape)}`);
    }
    return { shape, offset: 0, strides: broadcastStrides(x.shape, shape) };
  },
);

/** `x` repeated along its axes of size 1, and along new leading ones, until it has `shape`. @throws ShapeError */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return broadcastToOperation.run({ x }, { shape }).output;
}

/** `times` copies of `x` one after the other along an axis. @throws ShapeError, OptionError */
export function repeat(x: Tensor, axis: number, times: number): Tensor {
  checkTensor('repeat', 'x', x);
  const along = axisOf(axis, x.rank, 'repeat');
  checkArgument('repeat', 'times', times, integer(1));
  const [outer, inner] = [x.shape.slice(0, along), x.shape.slice(along)];
  return x.runtime.scope(() =>
    broadcastTo(x.reshape([...outer, 1, ...inner]), [...outer, times, ...inner]).reshape(
      x.shape.map((size, k) => (k === along ? size * times : size)),
    ),
  );
}
