import resampleColumnsKernel from '../../../kernels/image/resample_columns.wgsl.js';
import resamplePlainKernel from '../../../kernels/image/resample_plain.wgsl.js';
import resampleRowsKernel from '../../../kernels/image/resample_rows.wgsl.js';
import { number, optional, positive } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { largestSide, sideRules } from '../rules.js';

export interface ResampleOptions {
  readonly height: number;
  readonly width: number;
  /** Subtracted from each colour, which is 0 to 1. Default 0. */
  readonly mean?: number;
  /** What the difference is divided by. Default 1. */
  readonly deviation?: number;
}

interface ResampleProblem {
  readonly batches: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly mean: number;
  readonly deviation: number;
}

export const resamplePixelsOperation = defineOperation<
  { pixels: Tensor },
  ResampleOptions,
  ResampleProblem,
  { output: Tensor }
>({
  name: 'resamplePixels',
  operands: { pixels: 'required' },
  options: { ...sideRules, mean: optional(number), deviation: optional(positive) },
  problem({ pixels }, { height: outHeight, width: outWidth, mean = 0, deviation = 1 }) {
    expectDtype(pixels, 'pixels', 'u32');
    if (pixels.rank !== 3) throw new ShapeError(`pixels must be (B, H, W), not ${pixels}`);
    const [batches, height, width] = pixels.shape as [number, number, number];
    if (Math.max(height, width) > largestSide) {
      throw new ShapeError(`a side of ${pixels} is over ${largestSide}: resample it in parts`);
    }
    return { batches, height, width, outHeight, outWidth, mean, deviation };
  },
  outputs: ({ batches, outHeight, outWidth }) => ({
    output: { shape: [batches, 3, outHeight, outWidth], dtype: 'f32' },
  }),
  variants: [
    {
      name: 'separable',
      suits: () => true,
      run(runtime, { pixels }, { output }, { batches, height, width, outHeight, outWidth, mean, deviation }) {
        const rows = batches * height;
        const narrow = runtime.empty([rows, outWidth, 4]);
        runtime.launch({
          kernel: resampleRowsKernel,
          buffers: { pixels, narrow },
          params: { rows, width, out_width: outWidth },
          workgroups: spread(rows * outWidth),
        });
        runtime.launch({
          kernel: resampleColumnsKernel,
          buffers: { narrow, out: output },
          params: { batches, height, out_height: outHeight, width: outWidth, mean, scale: 1 / deviation },
          workgroups: spread(output.size / 3),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { pixels }, { output }, { batches, height, width, outHeight, outWidth, mean, deviation }) {
        runtime.launch({
          kernel: resamplePlainKernel,
          buffers: { pixels, out: output },
          params: {
            batches,
            height,
            width,
            out_height: outHeight,
            out_width: outWidth,
            mean,
            scale: 1 / deviation,
          },
          workgroups: spread(output.size / 3),
        });
      },
    },
  ],
  flops: ({ batches, height, width, outHeight, outWidth }) =>
    6 * batches * outWidth * (height * taps(width, outWidth) + outHeight * taps(height, outHeight)),
  reduction: ({ height, width, outHeight, outWidth }) => taps(height, outHeight) * taps(width, outWidth),
});

/** Pixels of a line that an output pixel takes from. */
function taps(before: number, after: number): number {
  return Math.min(before, Math.ceil((4 * Math.max(before, after)) / after));
}

/**
 * Pictures as the input of a network: resized, without keeping proportions, and normalized. `pixels` (B, H, W) u32 hold
 * four bytes each, red first (lowest) and alpha, which is ignored, last; they give (B, 3, height, width) f32,
 * (colour / 255 − mean) / deviation. The resampling is Pillow's bicubic one (cubic convolution with a = −1/2, wider
 * where pictures shrink, rows before columns), except that nothing is rounded to whole bytes on the way: results
 * differ from Pillow's by about 1/255 at most. No gradient.
 * @throws ShapeError, DtypeError, OptionError
 */
export function resamplePixels(pixels: Tensor, options: ResampleOptions): Tensor {
  return resamplePixelsOperation.run({ pixels }, options).output;
}
