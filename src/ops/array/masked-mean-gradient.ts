import maskedMeanGradientKernel from '../../../kernels/array/masked_mean_gradient.wgsl.js';
import { integer } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import { axisOf, type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { integers } from '../rules.js';

interface Operands {
  /** Of the shape of x without the axis, f32 or f16. */
  readonly gradient: Tensor;
  /** The axes of x up to the axis, any type. */
  readonly mask: Tensor;
}

interface Options {
  /** Of x. */
  readonly shape: Shape;
  readonly axis: number;
}

interface Problem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly maskDtype: Dtype;
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

/** The gradient of maskedMean by x. */
export const maskedMeanGradientOperation = defineOperation<Operands, Options, Problem, { output: Tensor }>({
  name: 'maskedMeanGradient',
  operands: { gradient: 'required', mask: 'required' },
  options: { shape: integers, axis: integer() },
  problem({ gradient, mask }, { shape, axis }) {
    expectDtype(gradient, 'gradient', 'f32', 'f16');
    const along = axisOf(axis, shape.length);
    expectShape(
      gradient,
      'gradient',
      shape.filter((_, k) => k !== along),
    );
    expectShape(mask, 'mask', shape.slice(0, along + 1));
    return {
      shape,
      dtype: gradient.dtype,
      maskDtype: mask.dtype,
      outer: sizeOf(shape.slice(0, along)),
      n: shape[along]!,
      inner: sizeOf(shape.slice(along + 1)),
    };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { gradient, mask }, { output }, { dtype, maskDtype, outer, n, inner }) {
        runtime.launch({
          kernel: maskedMeanGradientKernel,
          constants: { Element: dtype, MaskElement: maskDtype },
          buffers: { gradient, mask, out: output },
          params: { count: outer * inner, n, inner },
          workgroups: spread(outer * inner),
        });
      },
    },
  ],
  flops: ({ outer, n, inner }) => 2 * outer * n * inner,
  reduction: ({ n }) => n,
});
