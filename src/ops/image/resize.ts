import resizeBilinearKernel from '../../../kernels/image/resize_bilinear.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { largestSide, sideRules } from '../rules.js';

export interface ResizeOptions {
  readonly height: number;
  readonly width: number;
}

export interface ResizeProblem {
  readonly shape: Shape;
  readonly outputShape: Shape;
  readonly dtype: Dtype;
}

export const resizeBilinearOperation = defineOperation<
  { x: Tensor },
  ResizeOptions,
  ResizeProblem,
  { output: Tensor }
>({
  name: 'resizeBilinear',
  operands: { x: 'required' },
  options: sideRules,
  problem: ({ x }, options) => resizeProblem('x', x, options),
  outputs: ({ outputShape, dtype }) => ({ output: { shape: outputShape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { shape, outputShape, dtype }) {
        runtime.launch({
          kernel: resizeBilinearKernel,
          constants: { Element: dtype },
          buffers: { x, out: output },
          params: resizeParams(shape, outputShape),
          workgroups: spread(sizeOf(outputShape)),
        });
      },
    },
  ],
  flops: ({ outputShape }) => 9 * sizeOf(outputShape),
  reduction: () => 4,
});

/** What a resize and its gradient have in common. @throws ShapeError, DtypeError */
export function resizeProblem(name: string, x: Tensor, { height, width }: ResizeOptions): ResizeProblem {
  expectDtype(x, name, 'f32', 'f16');
  if (x.rank !== 4) throw new ShapeError(`${name} must be (B, C, H, W), not ${x}`);
  if (Math.max(x.shape[2]!, x.shape[3]!) > largestSide) {
    throw new ShapeError(`a side of ${x} is over ${largestSide}: resize it in parts`);
  }
  return { shape: x.shape, outputShape: [...x.shape.slice(0, 2), height, width], dtype: x.dtype };
}

/** The parameters of a resize from one shape to another, and of its gradient. */
export function resizeParams(from: Shape, to: Shape) {
  return {
    planes: from[0]! * from[1]!,
    height: from[2]!,
    width: from[3]!,
    out_height: to[2]!,
    out_width: to[3]!,
  };
}

/**
 * Bilinear resize of `x` (B, C, H, W), f32 or f16, to (B, C, height, width), without antialiasing: as
 * PyTorch's `interpolate(mode='bilinear', align_corners=False)`.
 * @throws ShapeError, DtypeError, OptionError
 */
export function resizeBilinear(x: Tensor, options: ResizeOptions): Tensor {
  return resizeBilinearOperation.run({ x }, options).output;
}
