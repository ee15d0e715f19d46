import { OptionError, ShapeError } from '../errors.js';
import type { Dtype } from '../tensor/dtype.js';
import type { Shape } from '../tensor/shape.js';
import { sizeOf } from '../tensor/shape.js';
import { expectDtype, type Tensor } from '../tensor/tensor.js';
import { spread } from './grid.js';
import { defineOperation, type OperationSpec } from './op.js';

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

/** Sizes of height and width; a row for one axis has height 1. */
interface PoolProblem {
  readonly shape: Shape;
  readonly outputShape: Shape;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly countPadding: boolean;
  readonly dtype: Dtype;
}

type PoolSpec<Options> = OperationSpec<{ x: Tensor }, Options, PoolProblem, { output: Tensor }>;

function poolProblem(x: Tensor, options: AveragePoolOptions): PoolProblem {
  expectDtype(x, 'x', 'f32', 'f16');
  if (x.rank !== 3 && x.rank !== 4) throw new ShapeError(`x must be (B, C, L) or (B, C, H, W), not ${x}`);
  const axes = x.rank - 2;
  const kernel = perAxis('kernel', options.kernel, axes, 1);
  const stride = perAxis('stride', options.stride ?? options.kernel, axes, 1);
  const padding = perAxis('padding', options.padding ?? 0, axes, 0);
  const pooled = x.shape.slice(2).map((size, axis) => {
    const room = size + 2 * padding[axis]! - kernel[axis]!;
    if (2 * padding[axis]! > kernel[axis]!) {
      throw new OptionError(`a padding of ${padding} is over half the kernel of ${kernel}`);
    }
    if (room < 0)
      throw new ShapeError(`a kernel of ${kernel} with padding ${padding} does not fit into ${x}`);
    return Math.floor(room / stride[axis]!) + 1;
  });
  const plane = (values: readonly number[], missing: number) => [missing, ...values].slice(-2);
  return {
    shape: x.shape,
    outputShape: [...x.shape.slice(0, 2), ...pooled],
    kernel: plane(kernel, 1) as [number, number],
    stride: plane(stride, 1) as [number, number],
    padding: plane(padding, 0) as [number, number],
    countPadding: options.countPadding ?? true,
    dtype: x.dtype,
  };
}

function perAxis(name: string, value: PerAxis, axes: number, least: number): readonly number[] {
  const values = typeof value === 'number' ? Array<number>(axes).fill(value) : value;
  if (values.length !== axes || !values.every((n) => Number.isInteger(n) && n >= least && n <= 0xffff)) {
    throw new OptionError(`${name} must be ${axes} whole numbers of at least ${least}, not [${value}]`);
  }
  return values;
}

function poolSpec<Options extends AveragePoolOptions>(
  name: string,
  kernel: 'pool/average_pool' | 'pool/max_pool',
  constants: (problem: PoolProblem) => Record<string, boolean>,
): PoolSpec<Options> {
  return {
    name,
    problem: ({ x }, options) => poolProblem(x, options),
    outputs: ({ outputShape, dtype }) => ({ output: { shape: outputShape, dtype } }),
    variants: [
      {
        name: 'plain',
        suits: () => true,
        run(runtime, { x }, { output }, problem) {
          const { shape, outputShape, dtype } = problem;
          const [height, width] = planeOf(shape);
          const [outHeight, outWidth] = planeOf(outputShape);
          runtime.launch({
            kernel,
            constants: { Element: dtype, ...constants(problem) },
            buffers: { x, out: output },
            params: {
              planes: shape[0]! * shape[1]!,
              height,
              width,
              out_height: outHeight,
              out_width: outWidth,
              kernel_height: problem.kernel[0],
              kernel_width: problem.kernel[1],
              stride_y: problem.stride[0],
              stride_x: problem.stride[1],
              padding_y: problem.padding[0],
              padding_x: problem.padding[1],
            },
            workgroups: spread(sizeOf(outputShape)),
          });
        },
      },
    ],
    flops: ({ outputShape, kernel: [height, width] }) => sizeOf(outputShape) * height * width,
    reduction: ({ kernel: [height, width] }) => height * width,
  };
}

/** Height and width of (B, C, H, W); of (B, C, L), 1 and L. */
function planeOf(shape: Shape): [number, number] {
  return [shape.length === 4 ? shape[2]! : 1, shape.at(-1)!];
}

export const averagePoolOperation = defineOperation(
  poolSpec<AveragePoolOptions>('averagePool', 'pool/average_pool', ({ countPadding }) => ({
    COUNT_PADDING: countPadding,
  })),
);

export const maxPoolOperation = defineOperation(
  poolSpec<PoolOptions>('maxPool', 'pool/max_pool', () => ({})),
);

/**
 * Average pooling of `x` (B, C, L) or (B, C, H, W), f32 or f16, as PyTorch's `avg_pool1d` and `avg_pool2d`.
 * The average of ones alone is exactly 1, so a pooled mask can be compared with 1.
 * @returns (B, C, …), each axis floor((size + 2 padding - kernel) / stride) + 1
 * @throws ShapeError, DtypeError, OptionError
 */
export function averagePool(x: Tensor, options: AveragePoolOptions): Tensor {
  return averagePoolOperation.run({ x }, options).output;
}

/**
 * Maximum pooling of `x` (B, C, L) or (B, C, H, W), f32 or f16, as PyTorch's `max_pool1d` and `max_pool2d`:
 * padding never wins.
 * @returns (B, C, …), each axis floor((size + 2 padding - kernel) / stride) + 1
 * @throws ShapeError, DtypeError, OptionError
 */
export function maxPool(x: Tensor, options: PoolOptions): Tensor {
  return maxPoolOperation.run({ x }, options).output;
}
