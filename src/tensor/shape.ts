import { anyNumber, checkArgument, described, listOf, type Rule } from '../arguments.js';
import { ShapeError } from '../errors.js';

/** Sizes of the axes, outermost first; [] is a scalar. Every size is at least 1. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const axis of shape) size *= axis;
  return size;
}

export function shapeText(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

const anyShape: Rule<Shape> = listOf(anyNumber, 'a list of sizes');

/**
 * @param where the function that was called
 * @throws OptionError unless it is a list; ShapeError unless all sizes are positive integers and elements can be counted
 *   in 32 bits
 */
export function checkShape(where: string, shape: Shape): void {
  checkArgument(where, 'shape', shape, anyShape);
  if (!shape.every((size) => Number.isInteger(size) && size >= 1)) {
    throw new ShapeError(
      `${where}: every size of the shape must be an integer of at least 1, not ${shapeText(shape)}`,
    );
  }
  if (sizeOf(shape) > 0xffff_ffff) {
    throw new ShapeError(
      `${where}: shape ${shapeText(shape)} has more than 2^32 - 1 elements: split it by rows`,
    );
  }
}

/**
 * Axis counted from the end when negative.
 * @param where the function that was called; not needed in the problem of an operation, whose errors get its name
 * @throws ShapeError where it is no axis of the shape
 */
export function axisOf(axis: number, rank: number, where?: string, name = 'axis'): number {
  const found = typeof axis === 'number' && axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(found) || found < 0 || found >= rank) {
    const prefix = where === undefined ? '' : `${where}: `;
    throw new ShapeError(
      `${prefix}${name} must be an integer from ${-rank} to ${rank - 1} for a tensor of rank ${rank}, not ${described(axis)}`,
    );
  }
  return found;
}

/** The shape that `a` and `b` broadcast to, by NumPy's rule. @throws ShapeError where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const sizeA = a[axis - rank + a.length] ?? 1;
    const sizeB = b[axis - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new ShapeError(`shapes ${shapeText(a)} and ${shapeText(b)} do not broadcast together`);
    }
    return Math.max(sizeA, sizeB);
  });
}
