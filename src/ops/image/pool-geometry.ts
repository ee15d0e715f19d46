import { either, flag, integer, listOf, optional, type Rule, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { type Shape, shapeText } from '../../tensor/shape.js';

/** One number for every pooled axis, or one for each. */
export type PerAxis = number | readonly number[];

export interface PoolOptions {
  readonly kernel: PerAxis;
  /** Default: the kernel. */
  readonly stride?: PerAxis;
  /** Cells added on both sides of an axis, at most half the kernel; default 0. */
  readonly padding?: PerAxis;
}

export interface AveragePoolOptions extends PoolOptions {
  /** Count the cells of the padding, which are zeros; default true (PyTorch). */
  readonly countPadding?: boolean;
}

function perAxisRule(least: number): Rule<PerAxis> {
  const size = integer(least, 0xffff);
  return either(size, listOf(size));
}

export const poolRules: Rules<PoolOptions> = {
  kernel: perAxisRule(1),
  stride: optional(perAxisRule(1)),
  padding: optional(perAxisRule(0)),
};

export const averagePoolRules: Rules<AveragePoolOptions> = { ...poolRules, countPadding: optional(flag) };

/** Sizes of height and width; a row for one axis has height 1. */
export interface PoolProblem {
  readonly shape: Shape;
  readonly outputShape: Shape;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly countPadding: boolean;
  readonly dtype: Dtype;
}

/** The pooling of an `x` of that shape and type. @throws ShapeError, OptionError */
export function poolProblem(shape: Shape, dtype: Dtype, options: AveragePoolOptions): PoolProblem {
  const axes = shape.length - 2;
  if (axes !== 1 && axes !== 2) {
    throw new ShapeError(`x must be (B, C, L) or (B, C, H, W), not ${shapeText(shape)}`);
  }
  const kernel = perAxis('kernel', options.kernel, axes);
  const stride = perAxis('stride', options.stride ?? options.kernel, axes);
  const padding = perAxis('padding', options.padding ?? 0, axes);
  const pooled = shape.slice(2).map((size, axis) => {
    const space = size + 2 * padding[axis]! - kernel[axis]!;
    if (2 * padding[axis]! > kernel[axis]!) {
      throw new OptionError(`a padding of ${padding} is over half the kernel of ${kernel}`);
    }
    if (space < 0)
      throw new ShapeError(
        `a kernel of ${kernel} with padding ${padding} does not fit into ${shapeText(shape)}`,
      );
    return Math.floor(space / stride[axis]!) + 1;
  });
  const inPlane = (values: readonly number[], missing: number) => [missing, ...values].slice(-2);
  return {
    shape,
    outputShape: [...shape.slice(0, 2), ...pooled],
    kernel: inPlane(kernel, 1) as [number, number],
    stride: inPlane(stride, 1) as [number, number],
    padding: inPlane(padding, 0) as [number, number],
    countPadding: options.countPadding ?? true,
    dtype,
  };
}

function perAxis(name: string, value: PerAxis, axes: number): readonly number[] {
  if (typeof value === 'number') return Array<number>(axes).fill(value);
  if (value.length !== axes) {
    throw new OptionError(`${name} must be one number or one for each of ${axes} axes, not [${value}]`);
  }
  return value;
}

/** The parameters that all pooling kernels share. */
export function poolParams({ shape, outputShape, kernel, stride, padding }: PoolProblem) {
  const [height, width] = planeOf(shape);
  const [outHeight, outWidth] = planeOf(outputShape);
  return {
    planes: shape[0]! * shape[1]!,
    height,
    width,
    out_height: outHeight,
    out_width: outWidth,
    kernel_height: kernel[0],
    kernel_width: kernel[1],
    stride_y: stride[0],
    stride_x: stride[1],
    padding_y: padding[0],
    padding_x: padding[1],
  };
}

/** Height and width of (B, C, H, W); of (B, C, L), 1 and L. */
function planeOf(shape: Shape): [number, number] {
  return [shape.length === 4 ? shape[2]! : 1, shape.at(-1)!];
}
