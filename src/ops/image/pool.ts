import averagePoolKernel from '../../../kernels/image/average_pool.wgsl.js';
import maxPoolKernel from '../../../kernels/image/max_pool.wgsl.js';
import type { Rules } from '../../arguments.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import { sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation, type OperationSpec } from '../op.js';
import {
  type AveragePoolOptions,
  averagePoolRules,
  type PoolOptions,
  type PoolProblem,
  poolParams,
  poolProblem,
  poolRules,
} from './pool-geometry.js';

export type { AveragePoolOptions, PoolOptions } from './pool-geometry.js';

type PoolSpec<Options> = OperationSpec<{ x: Tensor }, Options, PoolProblem, { output: Tensor }>;

function poolSpec<Options extends AveragePoolOptions>(
  name: string,
  rules: Rules<Options>,
  kernel: KernelSource,
  constants: (problem: PoolProblem) => Record<string, boolean>,
): PoolSpec<Options> {
  return {
    name,
    operands: { x: 'required' },
    options: rules,
    problem({ x }, options) {
      expectDtype(x, 'x', 'f32', 'f16');
      return poolProblem(x.shape, x.dtype, options);
    },
    outputs: ({ outputShape, dtype }) => ({ output: { shape: outputShape, dtype } }),
    variants: [
      {
        name: 'plain',
        suits: () => true,
        run(runtime, { x }, { output }, problem) {
          runtime.launch({
            kernel,
            constants: { Element: problem.dtype, ...constants(problem) },
            buffers: { x, out: output },
            params: poolParams(problem),
            workgroups: spread(output.size),
          });
        },
      },
    ],
    flops: ({ outputShape, kernel: [height, width] }) => sizeOf(outputShape) * height * width,
    reduction: ({ kernel: [height, width] }) => height * width,
  };
}

export const averagePoolOperation = defineOperation(
  poolSpec<AveragePoolOptions>('averagePool', averagePoolRules, averagePoolKernel, ({ countPadding }) => ({
    COUNT_PADDING: countPadding,
  })),
);

export const maxPoolOperation = defineOperation(
  poolSpec<PoolOptions>('maxPool', poolRules, maxPoolKernel, () => ({})),
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
