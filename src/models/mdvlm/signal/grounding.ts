import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { div, mul, sub } from '../../../ops/array/binary.js';
import { sum } from '../../../ops/array/reduce.js';
import { scaleShift, softplus } from '../../../ops/array/unary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface MomentTokenConfig {
  /** What its cross entropy counts beside the model's own loss. */
  readonly weight: number;
}

/**
 * In training, what the language model makes of each visual token is also to tell how much of its clip the question is
 * about (ours, as moment retrieval trains saliency): all clips teach the match of question and video, where the answer
 * alone has two times to learn it from.
 */
export class Grounding extends Module {
  readonly #linear;

  /** @param size D of the language model */
  constructor(
    runtime: Runtime,
    size: number,
    readonly config: MomentTokenConfig,
  ) {
    super(runtime);
    this.#linear = this.inline(new Linear(runtime, size, 1));
  }

  /**
   * Its weighted part of the loss, one element: the mean binary cross entropy of the clips.
   * @param states of the visual tokens, (B, T, D)
   * @param shares (B, T): which part of a clip is within the span asked for
   * @param validMask f32 (B, T): 0 for clips that are padding, else 1
   */
  loss(states: Tensor, shares: Tensor, validMask: Tensor): Tensor {
    return this.runtime.scope(() => {
      const logits = this.#linear.forward(states).reshape(shares.shape);
      const losses = mul(sub(softplus(logits), mul(logits, shares)), validMask);
      return scaleShift(div(sum(losses), sum(validMask)), this.config.weight, 0);
    });
  }
}
