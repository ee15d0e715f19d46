import averagePoolGradientKernel from '../../../kernels/image/average_pool_gradient.wgsl.js';
import maxPoolGradientKernel from '../../../kernels/image/max_pool_gradient.wgsl.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { integers } from '../rules.js';
import {
  type AveragePoolOptions,
  averagePoolRules,
  type PoolOptions,
  type PoolProblem,
  poolParams,
  poolProblem,
  poolRules,
} from './pool-geometry.js';

interface AveragePoolGradientOptions extends AveragePoolOptions {
  /** Shape of what was pooled. */
  readonly shape: Shape;
}

/** The gradient of `averagePool` by what was pooled, from that of its output. */
export const averagePoolGradientOperation = defineOperation<
  { gradient: Tensor },
  AveragePoolGradientOptions,
  PoolProblem,
  { output: Tensor }
>({
  name: 'averagePoolGradient',
  operands: { gradient: 'required' },
  options: { ...averagePoolRules, shape: integers },
  problem({ gradient }, { shape, ...options }) {
    expectDtype(gradient, 'gradient', 'f32', 'f16');
    const problem = poolProblem(shape, gradient.dtype, options);
    expectShape(gradient, 'gradient', problem.outputShape);
    return problem;
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { gradient }, { output }, problem) {
        runtime.launch({
          kernel: averagePoolGradientKernel,
          constants: { Element: problem.dtype, COUNT_PADDING: problem.countPadding },
          buffers: { gradient, out: output },
          params: poolParams(problem),
          workgroups: spread(output.size),
        });
      },
    },
  ],
  flops: poolFlops,
  reduction: mostWindows,
});

/** The gradient of `maxPool` by what was pooled: all of a window's goes to its first largest cell, row by row. */
export const maxPoolGradientOperation = defineOperation<
  { x: Tensor; gradient: Tensor },
  PoolOptions,
  PoolProblem,
  { output: Tensor }
>({
  name: 'maxPoolGradient',
  operands: { x: 'required', gradient: 'required' },
  options: poolRules,
  problem({ x, gradient }, options) {
    expectDtype(x, 'x', 'f32', 'f16');
    expectDtype(gradient, 'gradient', x.dtype);
    const problem = poolProblem(x.shape, x.dtype, options);
    expectShape(gradient, 'gradient', problem.outputShape);
    return problem;
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x, gradient }, { output }, problem) {
        runtime.launch({
          kernel: maxPoolGradientKernel,
          constants: { Element: problem.dtype },
          buffers: { x, gradient, out: output },
          params: poolParams(problem),
          workgroups: spread(output.size),
        });
      },
    },
  ],
  flops: poolFlops,
  reduction: mostWindows,
});

/** Each cell of each window once. */
function poolFlops({ outputShape, kernel: [height, width] }: PoolProblem): number {
  return sizeOf(outputShape) * height * width;
}

/** The windows that a cell can be in. */
function mostWindows({ kernel, stride }: PoolProblem): number {
  return Math.ceil(kernel[0] / stride[0]) * Math.ceil(kernel[1] / stride[1]);
}
