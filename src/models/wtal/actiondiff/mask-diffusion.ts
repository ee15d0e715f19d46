import { GaussianDiffusion } from '../../../diffusion/gaussian.js';
import { transpose } from '../../../ops/array/permute.js';
import { softmax } from '../../../ops/array/softmax.js';
import { clamp, scaleShift } from '../../../ops/array/unary.js';
import type { Random } from '../../../ops/random/random.js';
import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** A mask (B, C, T) from a noisy one, which is from 0 to 1, and its time (B): logits. */
export type DenoiseMask = (noisy: Tensor, t: Tensor) => Tensor;

export interface SampleOptions {
  readonly steps: number;
  /** η */
  readonly eta: number;
  readonly random: Random;
}

/**
 * Diffusion of masks as DiffAct has it: T 1000, cosine schedule; masks are scaled from [0, 1] to ±s, and noisy ones clamped to ±s
 * and scaled back before the decoder sees them. A denoised mask is the softmax over its channels.
 */
export class MaskDiffusion extends Owner {
  readonly #diffusion: GaussianDiffusion;

  constructor(
    runtime: Runtime,
    readonly scale: number,
  ) {
    super(runtime);
    this.#diffusion = this.own(() => new GaussianDiffusion(runtime, { times: 1000, schedule: 'cosine' }));
  }

  get times(): number {
    return this.#diffusion.times;
  }

  /** Masks (B, C, T) at times t (B), noisy and from 0 to 1 again. */
  corrupt(mask: Tensor, noise: Tensor, t: Tensor): Tensor {
    return this.runtime.scope(() =>
      this.#seen(this.#diffusion.addNoise({ x0: this.#scaled(mask), noise, t })),
    );
  }

  /** A mask of a shape (B, C, T), from noise by DDIM: probabilities. */
  sample(
    shape: readonly [number, number, number],
    denoise: DenoiseMask,
    { steps, eta, random }: SampleOptions,
  ): Tensor {
    const { scale } = this;
    return this.runtime.scope(() => {
      const state = this.#diffusion.sample(
        random.normal(shape),
        (x, t) => this.#scaled(overChannels(denoise(this.#seen(x), t))),
        { steps, eta, random, clamp: [-scale, scale] },
      );
      return this.#unscaled(state);
    });
  }

  #scaled(mask: Tensor): Tensor {
    return scaleShift(mask, 2 * this.scale, -this.scale);
  }

  #unscaled(x: Tensor): Tensor {
    return scaleShift(x, 0.5 / this.scale, 0.5);
  }

  #seen(noisy: Tensor): Tensor {
    return this.#unscaled(clamp(noisy, -this.scale, this.scale));
  }
}

/** Softmax of (B, C, T) over its channels. */
function overChannels(logits: Tensor): Tensor {
  return transpose(softmax(transpose(logits, 1, 2)), 1, 2);
}
