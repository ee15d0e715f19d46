import gateSumsGradientKernel from '../../../kernels/conv/gate_sums_gradient.wgsl.js';
import { integer, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
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
