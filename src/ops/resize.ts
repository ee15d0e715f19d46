import { OptionError, ShapeError } from '../errors.js';
import type { Dtype } from '../tensor/dtype.js';
import type { Shape } from '../tensor/shape.js';
import { sizeOf } from '../tensor/shape.js';
import { expectDtype, type Tensor } from '../tensor/tensor.js';
import { spread } from './grid.js';
import { defineOperation } from './op.js';

export interface ResizeOptions {
  readonly height: number;
  readonly width: number;
}

interface ResizeProblem {
  readonly shape: Shape;
  readonly outputShape: Shape;
  readonly dtype: Dtype;
}

/** Longest side: twice the product of an old and a new side must fit into 32 bits. */
const largestSide = 32_767;

export const resizeBilinearOperation = defineOperation<
  { x: Tensor },
  ResizeOptions,
  ResizeProblem,
  { output: Tensor }
>({
  name: 'resizeBilinear',
  problem({ x }, { height, width }) {
    expectDtype(x, 'x', 'f32', 'f16');
    if (x.rank !== 4) throw new ShapeError(`x must be (B, C, H, W), not ${x}`);
    if (Math.max(x.shape[2]!, x.shape[3]!) > largestSide) {
      throw new ShapeError(`a side of ${x} is over ${largestSide}: resize it in parts`);
    }
    for (const side of [height, width]) {
      if (!Number.isInteger(side) || side < 1 || side > largestSide) {
        throw new OptionError(`height and width must be 1 to ${largestSide}, not ${height} x ${width}`);
      }
    }
    return { shape: x.shape, outputShape: [...x.shape.slice(0, 2), height, width], dtype: x.dtype };
  },
  outputs: ({ outputShape, dtype }) => ({ output: { shape: outputShape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { x }, { output }, { shape, outputShape, dtype }) {
        const [batch, channels, height, width] = shape as [number, number, number, number];
        runtime.launch({
          kernel: 'pool/resize_bilinear',
          constants: { Element: dtype },
          buffers: { x, out: output },
          params: {
            planes: batch * channels,
            height,
            width,
            out_height: outputShape[2]!,
            out_width: outputShape[3]!,
          },
          workgroups: spread(sizeOf(outputShape)),
        });
      },
    },
  ],
  flops: ({ outputShape }) => 9 * sizeOf(outputShape),
  reduction: () => 4,
});

/**
 * Bilinear resize of `x` (B, C, H, W), f32 or f16, to (B, C, height, width), without antialiasing: as
 * PyTorch's `interpolate(mode='bilinear', align_corners=False)`.
 * @throws ShapeError, DtypeError, OptionError
 */
export function resizeBilinear(x: Tensor, options: ResizeOptions): Tensor {
  return resizeBilinearOperation.run({ x }, options).output;
}
