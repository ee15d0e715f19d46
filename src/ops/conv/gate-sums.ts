import gateSumsKernel from '../../../kernels/conv/gate_sums.wgsl.js';
import { integer, optional, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import { type Dtype, floatDtype } from '../../tensor/dtype.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import {
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
} from '../activation.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

export interface GateSumsOptions extends ActivationOptions {
  /** How many of the sums' channels are output channels; the others are gates, one or as many. */
  readonly outChannels: number;
}

export const gateSumsRules: Rules<GateSumsOptions> = { ...activationRules, outChannels: integer(1) };

export interface GateSumsProblem {
  readonly batches: number;
  readonly outChannels: number;
  readonly gateChannels: number;
  readonly height: number;
  readonly width: number;
  /** A mask for each batch. */
  readonly batchedMask: boolean;
  /** Of all but the sums, which are f32. */
  readonly dtype: Dtype;
  readonly activation: ActivationConstants;
}

/** What the gating of `sums` (B, O + G, H, W) and its gradient have in common. @throws ShapeError, DtypeError, OptionError */
export function gateSumsProblem(
  sums: Tensor,
  mask: Tensor | undefined,
  dtype: Dtype,
  options: GateSumsOptions,
): GateSumsProblem {
  expectDtype(sums, 'sums', 'f32');
  if (sums.rank !== 4) throw new ShapeError(`sums must be (B, O + G, H, W), not ${sums}`);
  const [batches, channels, height, width] = sums.shape as [number, number, number, number];
  const { outChannels } = options;
  const gateChannels = channels - outChannels;
  if (!(outChannels >= 1 && (gateChannels === 1 || gateChannels === outChannels))) {
    throw new OptionError(
      `of the channels of ${sums}, ${outChannels} cannot be output channels: one gate must be left, or as many`,
    );
  }
  if (mask) {
    expectDtype(mask, 'mask', dtype);
    expectShape(mask, 'mask', mask.rank === 2 ? [height, width] : [batches, height, width]);
  }
  return {
    batches,
    outChannels,
    gateChannels,
    height,
    width,
    batchedMask: mask?.rank === 3,
    dtype,
    activation: activationConstants(options),
  };
}

/** The parameters that both kernels share. */
export function gateSumsParams({
  batches,
  outChannels,
  gateChannels,
  height,
  width,
  batchedMask,
}: GateSumsProblem) {
  return {
    batches,
    out_channels: outChannels,
    gate_channels: gateChannels,
    plane: height * width,
    mask_batch: batchedMask ? height * width : 0,
  };
}

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
