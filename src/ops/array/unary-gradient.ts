import unaryGradientPlainKernel from '../../../kernels/array/unary_gradient_plain.wgsl.js';
import unaryGradientVectorKernel from '../../../kernels/array/unary_gradient_vector.wgsl.js';
import type { Dtype } from '../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { unitsEach } from './elements.js';
import { type UnaryConstants, type UnaryOptions, unaryConstants, unaryRules } from './unary-function.js';

interface Problem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly constants: UnaryConstants;
  readonly p: number;
  readonly q: number;
}

/** The chain rule for a function of each element: gradient · f′(x). */
export const unaryGradientOperation = defineOperation<
  { x: Tensor; gradient: Tensor },
  UnaryOptions,
  Problem,
  { output: Tensor }
>({
  name: 'unaryGradient',
  operands: { x: 'required', gradient: 'required' },
  options: unaryRules,
  problem({ x, gradient }, options) {
    expectDtype(x, 'x', 'f32', 'f16');
    expectDtype(gradient, 'gradient', x.dtype);
    expectShape(gradient, 'gradient', x.shape);
    const { p = 0, q = 0 } = options;
    return { shape: x.shape, dtype: x.dtype, constants: unaryConstants(options), p, q };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { shape }) => sizeOf(shape) % 4 === 0,
      run(runtime, { x, gradient }, { output }, { constants, dtype, p, q }) {
        const count = x.size / 4;
        runtime.launch({
          kernel: unaryGradientVectorKernel,
          constants: { ...constants, ITEMS: unitsEach(runtime.traits), Element: dtype },
          buffers: { x, gradient, out: output },
          params: { count, p, q },
          workgroups: spread(count, workgroupSize * unitsEach(runtime.traits)),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x, gradient }, { output }, { constants, dtype, p, q }) {
        runtime.launch({
          kernel: unaryGradientPlainKernel,
          constants: { ...constants, Element: dtype },
          buffers: { x, gradient, out: output },
          params: { count: x.size, p, q },
          workgroups: spread(x.size),
        });
      },
    },
  ],
  flops: ({ shape }) => sizeOf(shape),
  reduction: () => 1,
});
