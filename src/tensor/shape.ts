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

/** @throws ShapeError unless all sizes are positive integers and elements can be counted in 32 bits. */
export function checkShape(shape: Shape): void {
  if (!shape.every((size) => Number.isInteger(size) && size >= 1)) {
    throw new ShapeError(`every axis must be a whole number of at least 1, not ${shapeText(shape)}`);
  }
  if (sizeOf(shape) > 0xffff_ffff) {
    throw new ShapeError(`${shapeText(shape)} has more than 2^32 - 1 elements: split it by rows`);
  }
}

/** Axis counted from the end when negative. @throws ShapeError when outside the shape. */
export function axisOf(axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || found < 0 || found >= rank) {
    throw new ShapeError(`axis ${axis} is outside a tensor of rank ${rank}`);
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
