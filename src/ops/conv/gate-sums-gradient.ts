import gateSumsGradientKernel from '../../../kernels/conv/gate_sums_gradient.wgsl.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  type GateSumsOptions,
  type GateSumsProblem,
  gateSumsParams,
  gateSumsProblem,
  gateSumsRules,
} from './gate-sums.js';

interface Operands {
  readonly sums: Tensor;
  readonly mask?: Tensor | undefined;
  /** The gradient of the gated output. */
  readonly gradient: Tensor;
}

/** The gradient of `gateSums` by its sums, f32. */
export const gateSumsGradientOperation = defineOperation<
  Operands,
  GateSumsOptions,
  GateSumsProblem,
  { output: Tensor }
>({
  name: 'gateSumsGradient',
  operands: { sums: 'required', mask: 'optional', gradient: 'required' },
  options: gateSumsRules,
  problem({ sums, mask, gradient }, options) {
    expectDtype(gradient, 'gradient', 'f32', 'f16');
    const problem = gateSumsProblem(sums, mask, gradient.dtype, options);
    const { batches, outChannels, height, width } = problem;
    expectShape(gradient, 'gradient', [batches, outChannels, height, width]);
    return problem;
  },
  outputs: ({ batches, outChannels, gateChannels, height, width }) => ({
    output: { shape: [batches, outChannels + gateChannels, height, width], dtype: 'f32' },
  }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { sums, mask, gradient }, { output }, problem) {
        const { batches, gateChannels, height, width, dtype, activation } = problem;
        runtime.launch({
          kernel: gateSumsGradientKernel,
          constants: { Element: dtype, HAS_MASK: mask !== undefined, ...activation },
          buffers: { sums, mask, gradient, out: output },
          params: gateSumsParams(problem),
          workgroups: spread(batches * gateChannels * height * width),
        });
      },
    },
  ],
  flops: ({ batches, outChannels, height, width }) => 6 * batches * outChannels * height * width,
  reduction: ({ outChannels, gateChannels }) => outChannels / gateChannels,
});
