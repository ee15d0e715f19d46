import { ShapeError } from '../../errors.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';

/**
 * Expects tensors of fixed shapes, and tensors that are all of one shape.
 * @throws ShapeError
 */
export function expectShapes(
  fixed: Readonly<Record<string, readonly [Tensor, Shape]>>,
  alike: Readonly<Record<string, Tensor | undefined>>,
  shape: Shape,
): void {
  const wanted = [
    ...Object.entries(fixed).map(([name, [tensor, own]]) => [name, tensor, own] as const),
    ...Object.entries(alike).map(([name, tensor]) => [name, tensor, shape] as const),
  ];
  for (const [name, tensor, own] of wanted) {
    if (tensor && tensor.shape.join() !== own.join()) {
      throw new ShapeError(`${name} must be [${own.join(', ')}], not ${tensor}`);
    }
  }
}
