import maskedMeanKernel from '../../../kernels/array/masked_mean.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { axisOf, type Shape, sameShape, shapeText, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { axisRules } from '../rules.js';

interface MaskedMeanOperands {
  readonly x: Tensor;
  readonly mask: Tensor;
}

interface MaskedMeanProblem {
  readonly outShape: Shape;
  readonly dtype: Dtype;
  readonly maskDtype: Dtype;
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

export const maskedMeanOperation = defineOperation<
  MaskedMeanOperands,
  { readonly axis: number },
  MaskedMeanProblem,
  { output: Tensor }
>({
  name: 'maskedMean',
  operands: { x: 'required', mask: 'required' },
  options: axisRules,
  problem({ x, mask }, { axis }) {
    expectDtype(x, 'x', 'f32', 'f16');
    const along = axisOf(axis, x.rank);
    const wanted = x.shape.slice(0, along + 1);
    if (!sameShape(mask.shape, wanted)) {
      throw new ShapeError(
        `mask must have the shape ${shapeText(wanted)} for x ${x} along axis ${axis}, not ${mask}`,
      );
    }
    return {
      outShape: x.shape.filter((_, k) => k !== along),
      dtype: x.dtype,
      maskDtype: mask.dtype,
      outer: sizeOf(x.shape.slice(0, along)),
      n: x.shape[along]!,
      inner: sizeOf(x.shape.slice(along + 1)),
    };
  },
  outputs: ({ outShape, dtype }) => ({ output: { shape: outShape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x, mask }, { output }, { dtype, maskDtype, outer, n, inner }) {
        runtime.launch({
          kernel: maskedMeanKernel,
          constants: { Element: dtype, MaskElement: maskDtype },
          buffers: { x, mask, out: output },
          params: { count: outer * inner, n, inner },
          workgroups: spread(outer * inner),
        });
      },
    },
  ],
  flops: ({ outer, n, inner }) => 2 * outer * n * inner,
  reduction: ({ n }) => n,
});

/**
 * Mean along an axis with weights: Σₖ mask x / Σₖ mask, 0 where the weights add up to 0 (MS-2D-TAN's text feature,
 * with `x` (B, L, D), `mask` (B, L), axis 1). `x` is f32 or f16; `mask` has any type and the axes of `x` up to `axis`.
 * Elements of weight 0 are not looked at. Its gradient reaches `x` only. @throws ShapeError, DtypeError
 */
export function maskedMean(
  operands: { readonly x: Tensor; readonly mask: Tensor },
  options: { readonly axis: number },
): Tensor {
  return maskedMeanOperation.run(operands, options).output;
}
