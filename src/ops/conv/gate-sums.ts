import gateSumsKernel from '../../../kernels/conv/gate_sums.wgsl.js';
import { optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import { floatDtype } from '../../tensor/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  type GateSumsOptions,
  type GateSumsProblem,
  gateSumsParams,
  gateSumsProblem,
  gateSumsRules,
} from './gate-sums-gradient.js';

export interface GateSumsOperands {
  readonly sums: Tensor;
  /** Multiplied to the output, (H, W) or (B, H, W); no gradient flows to it. */
  readonly mask?: Tensor | undefined;
}

export interface GateSumsForwardOptions extends GateSumsOptions {
  /** Type of the output and of the mask, f32 or f16; default that of the mask, f32 without one. */
  readonly outDtype?: 'f32' | 'f16';
}

export const gateSumsOperation = defineOperation<
  GateSumsOperands,
  GateSumsForwardOptions,
  GateSumsProblem,
  { output: Tensor }
>({
  name: 'gateSums',
  operands: { sums: 'required', mask: 'optional' },
  options: { ...gateSumsRules, outDtype: optional(floatDtype) },
  problem({ sums, mask }, options) {
    const { outDtype = mask?.dtype ?? 'f32' } = options;
    if (outDtype !== 'f32' && outDtype !== 'f16') {
      throw new OptionError(`outDtype must be f32 or f16, not ${outDtype}`);
    }
    return gateSumsProblem(sums, mask, outDtype, options);
  },
  outputs: ({ batches, outChannels, height, width, dtype }) => ({
    output: { shape: [batches, outChannels, height, width], dtype },
  }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { sums, mask }, { output }, problem) {
        runtime.launch({
          kernel: gateSumsKernel,
          constants: { Element: problem.dtype, HAS_MASK: mask !== undefined, ...problem.activation },
          buffers: {
            ...{ sums, bias: undefined, gate_bias: undefined, partial_sum: undefined },
            ...{ mask, out: output },
          },
          params: { ...gateSumsParams(problem), parts: 1, partial_batch: 0 },
          workgroups: spread(output.size),
        });
      },
    },
  ],
  flops: ({ batches, outChannels, height, width }) => 2 * batches * outChannels * height * width,
  reduction: () => 1,
});

/**
 * Gates the sums of convolutions: `activation(v) · sigmoid(g) · mask` of `sums` (B, O + G, H, W), f32, that hold the O
 * values v, then the gates g, one for all or one for each of them. Gives (B, O, H, W).
 * @throws ShapeError, DtypeError, OptionError
 */
export function gateSums(operands: GateSumsOperands, options: GateSumsForwardOptions): Tensor {
  return gateSumsOperation.run(operands, options).output;
}
