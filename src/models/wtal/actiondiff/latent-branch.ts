import { stopGradient } from '../../../autograd/value-and-grad.js';
import type { Conv1d } from '../../../nn/conv.js';
import { LayerNorm } from '../../../nn/norm.js';
import { add, mul, sub } from '../../../ops/array/binary.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { clamp, exp, scaleShift, square } from '../../../ops/array/unary.js';
import { meanSquaredError } from '../../../ops/loss/mean-squared-error.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { BaseOutputs } from '../base.js';
import type { LatentConfig } from './config.js';
import {
  type ClassifyingBase,
  DiffusionBranch,
  type DiffusionTraining,
  type Refined,
  truncation,
  turned,
} from './diffusion-branch.js';
import type { SampleOptions } from './mask-diffusion.js';
import { actionMask, withBackground } from './masks.js';
import { diffusionConv } from './mixed-layer.js';
import type { DiffusionOperands } from './operands.js';

/**
 * Our realisation of the abstract's "latent action space". Masks have two channels, action and background. The decoder's last
 * hidden map becomes latent action features, which are blended with the base's and classified again: X̃ = (1 − λ) X +
 * λ LayerNorm(latent). The base learns from both, and its attention from the denoised mask. At inference CAS and attention
 * are the means of both.
 */
export class LatentBranch extends DiffusionBranch {
  readonly #condition: Conv1d;
  readonly #latent: Conv1d;
  readonly #norm: LayerNorm;

  constructor(
    runtime: Runtime,
    override readonly config: LatentConfig,
    width: number,
  ) {
    super(runtime, config, 2, config.conditionWidth);
    this.#condition = this.child('condition', diffusionConv(runtime, width, config.conditionWidth, 1));
    this.#latent = this.child('latent', diffusionConv(runtime, config.decoder.maps, width, 1));
    this.#norm = this.child('norm', new LayerNorm(runtime, width));
  }

  trainingLosses(
    base: ClassifyingBase,
    outputs: BaseOutputs,
    { labels, t, noise, gate }: DiffusionOperands,
  ): DiffusionTraining {
    this.checkOutputs('trainingLosses', outputs);
    return this.runtime.scope(() => {
      const { features, attention } = outputs;
      const [batch, steps] = attention.shape as [number, number];
      const { weights, mask: maskConfig } = this.config;
      const mask = actionMask(outputs, labels, maskConfig);
      const target = withBackground(mask.reshape([batch, 1, steps]));
      const seen = this.gated(features, attention, () => mask, gate);
      const noisy = this.diffusion.corrupt(target, noise, t);
      const { output, hidden } = this.decoder.forward(noisy, this.#condition.forward(turned(seen)), t);
      const logs = logSoftmax(turned(output));
      const denoised = exp(ofAction(logs));
      const after = narrow(logs, 1, 1, steps - 1);
      const before = stopGradient(narrow(logs, 1, 0, steps - 1));
      const losses: Record<keyof typeof weights, () => Tensor> = {
        mask: () => scaleShift(mean(sum(mul(logs, turned(target)), { axes: 2 })), -1, 0),
        smoothness: () => mean(clamp(square(sub(after, before)), 0, truncation)),
        attention: () => meanSquaredError({ prediction: attention, target: stopGradient(denoised) }),
        reverse: () => meanSquaredError({ prediction: denoised, target: stopGradient(attention) }),
      };
      const parts = Object.entries(losses).flatMap(([name, loss]) => {
        const weight = weights[name as keyof typeof weights];
        return weight > 0 ? [[name, scaleShift(loss(), weight, 0)] as const] : [];
      });
      const refined = this.#blended(features, hidden);
      return {
        outputs: [outputs, { ...outputs, features: refined, cas: base.classify(refined) }],
        parts: Object.fromEntries(parts),
      };
    });
  }

  protected refine(base: ClassifyingBase, outputs: BaseOutputs, sampling: SampleOptions): Refined {
    const { cas, attention, features } = outputs;
    const [batch, steps] = attention.shape as [number, number];
    const condition = this.#condition.forward(turned(this.shown(features, attention)));
    // Each step leaves its hidden map; the last one counts.
    const last = this.runtime.empty([batch, this.config.decoder.maps, steps]);
    const mask = this.diffusion.sample(
      [batch, 2, steps],
      (noisy, t) => {
        const { output, hidden } = this.decoder.forward(noisy, condition, t);
        last.assign(hidden);
        return output;
      },
      sampling,
    );
    const found = base.classify(this.#blended(features, last));
    const refined = scaleShift(add(cas, found), 0.5, 0);
    return {
      cas: refined,
      attention: scaleShift(add(attention, ofAction(turned(mask))), 0.5, 0),
      videoScoreCas: refined.reshape(refined.shape),
    };
  }

  /** X (B, T, width) with the latent action features of a hidden map (B, maps, T). */
  #blended(features: Tensor, hidden: Tensor): Tensor {
    const { blend } = this.config;
    const latent = this.#norm.forward(turned(this.#latent.forward(hidden)));
    return add(scaleShift(features, 1 - blend, 0), scaleShift(latent, blend, 0));
  }
}

/** The channel of action of (B, T, 2): (B, T). */
function ofAction(x: Tensor): Tensor {
  return narrow(x, 2, 0, 1).reshape(x.shape.slice(0, 2));
}
