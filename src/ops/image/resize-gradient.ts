import resizeBilinearGradientKernel from '../../../kernels/image/resize_bilinear_gradient.wgsl.js';
import { sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { sideRules } from '../rules.js';
import { type ResizeOptions, type ResizeProblem, resizeParams, resizeProblem } from './resize.js';

/** The gradient of `resizeBilinear` by what was resized, of the height and width in the options. */
export const resizeBilinearGradientOperation = defineOperation<
  { gradient: Tensor },
  ResizeOptions,
  ResizeProblem,
  { output: Tensor }
>({
  name: 'resizeBilinearGradient',
  operands: { gradient: 'required' },
  options: sideRules,
  problem: ({ gradient }, options) => resizeProblem('gradient', gradient, options),
  outputs: ({ outputShape, dtype }) => ({ output: { shape: outputShape, dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { gradient }, { output }, { shape, outputShape, dtype }) {
        runtime.launch({
          kernel: resizeBilinearGradientKernel,
          constants: { Element: dtype },
          buffers: { gradient, out: output },
          params: resizeParams(outputShape, shape),
          workgroups: spread(output.size),
        });
      },
    },
  ],
  flops: ({ shape }) => 9 * sizeOf(shape),
  // Outputs of a side that look at one cell: two spans of it.
  reduction: ({ shape, outputShape }) =>
    [2, 3].reduce((count, axis) => count * Math.ceil((2 * shape[axis]!) / outputShape[axis]! + 1), 1),
});
