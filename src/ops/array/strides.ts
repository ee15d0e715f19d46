import { ShapeError } from '../../errors.js';
import { type Shape, shapeText } from '../../tensor/shape.js';

/** Axes that the strided kernels walk at most, after `coalesce`. */
export const maxAxes = 6;

/** Row-major strides of a dense tensor, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Strides that read a dense tensor of `shape` as if it had the shape `target` that it broadcasts to. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const own = stridesOf(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : own[axis - missing]!));
}

/** A loop nest over `sizes`, outermost first, through several operands at once. */
export interface Walk {
  readonly sizes: readonly number[];
  /** For each operand, its stride along each axis. */
  readonly strides: readonly (readonly number[])[];
}

/** The same walk with as few axes as possible, at least one. @throws ShapeError beyond {@link maxAxes}. */
export function coalesce(shape: Shape, operands: readonly (readonly number[])[]): Walk {
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const joins = sizes.length > 0 && operands.every((own, k) => strides[k]!.at(-1) === own[axis]! * size);
    if (joins) sizes[sizes.length - 1]! *= size;
    else sizes.push(size);
    operands.forEach((own, k) => {
      if (joins) strides[k]![sizes.length - 1] = own[axis]!;
      else strides[k]!.push(own[axis]!);
    });
  }
  if (sizes.length > maxAxes) {
    throw new ShapeError(
      `${shapeText(shape)} needs a walk over ${sizes.length} axes that do not merge, the kernels have ` +
        `${maxAxes}: materialise an operand in two steps`,
    );
  }
  if (sizes.length === 0) return { sizes: [1], strides: operands.map(() => [0]) };
  return { sizes, strides };
}

/**
 * A walk as the parameters of a kernel that counts its axes from the innermost (0): `size0` … `size4`, and for
 * each named operand `a0` … `a4` and the stride of its outermost axis, `a_outer`.
 */
export function walkParams({ sizes, strides }: Walk, ...names: string[]): Record<string, number> {
  const params: Record<string, number> = {};
  const last = sizes.length - 1;
  for (let axis = 0; axis < maxAxes - 1; axis++) {
    params[`size${axis}`] = axis < last ? sizes[last - axis]! : 1;
    names.forEach((name, k) => {
      params[`${name}${axis}`] = axis < last ? strides[k]![last - axis]! : 0;
    });
  }
  names.forEach((name, k) => {
    params[`${name}_outer`] = strides[k]![0]!;
  });
  return params;
}

/** Whether the innermost axis can be walked four elements at a time. */
export function vectorizable({ sizes }: Walk): boolean {
  return sizes.at(-1)! % 4 === 0;
}

/**
 * A walk over dense, possibly broadcast operands in vectors of four. An operand that stands still along the
 * innermost axis keeps its scalars.
 */
export function inVectors({ sizes, strides }: Walk): Walk {
  return {
    sizes: [...sizes.slice(0, -1), sizes.at(-1)! / 4],
    strides: strides.map((own) =>
      own.at(-1) === 0 ? own : [...own.slice(0, -1).map((stride) => stride / 4), 1],
    ),
  };
}
