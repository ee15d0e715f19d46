import { stopGradient } from '../../../autograd/value-and-grad.js';
import { normalInitial } from '../../../nn/initial.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { add, div, greaterEqual, maximum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { softmax } from '../../../ops/array/softmax.js';
import { topK } from '../../../ops/array/topk.js';
import { where } from '../../../ops/array/where.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { AdaptiveInteraction } from './config.js';

/**
 * CG-DETR's saliency token of a video: learned prompts, each weighted by how much it is like the clips that the text is about,
 * and the mean clip. The weights are softmaxed cosines of (clip − mean clip) with the prompts, averaged over the clips in
 * proportion to the probability that their attention gives the words; only the largest weights count. No gradient goes
 * through the mean clip and through the attention.
 */
export class SaliencyToken extends Module {
  readonly #prompts: Parameter;
  readonly #kept: number;

  constructor(runtime: Runtime, width: number, { prompts, keptPrompts }: AdaptiveInteraction) {
    super(runtime);
    this.#prompts = this.parameter('global_rep_token', [prompts, width], normalInitial(1));
    this.#kept = keptPrompts;
  }

  /** (prompts, d). */
  get prompts(): Tensor {
    return this.#prompts.tensor;
  }

  /**
   * @param video (B, T, d) as projected
   * @param videoMask u32 (B, T)
   * @param textMass (B, T): the probability that each clip gives the words
   * @returns (B, 1, d)
   */
  forward(video: Tensor, videoMask: Tensor, textMass: Tensor): Tensor {
    const [batch, clips, width] = video.shape as [number, number, number];
    const prompts = this.#prompts.tensor;
    return this.runtime.scope(() => {
      const present = cast(videoMask, 'f32');
      const shareOf = (weights: Tensor) =>
        div(weights, maximum(sum(weights, { axes: 1, keepDims: true }), leastMass)).reshape([
          batch,
          1,
          clips,
        ]);
      const average = stopGradient(matmul({ a: shareOf(present), b: video }));
      const directions = l2Normalize(sub(video, average));
      const alike = softmax(matmul({ a: directions, b: l2Normalize(prompts) }, { transposeB: true }));
      const shares = shareOf(mul(stopGradient(textMass), present));
      const weights = matmul({ a: shares, b: alike });
      const { values } = topK(stopGradient(weights), this.#kept);
      const least = narrow(values, 2, this.#kept - 1, 1);
      const kept = where(greaterEqual(weights, least), weights, 0);
      return add(matmul({ a: kept, b: prompts }), average).reshape([batch, 1, width]);
    });
  }
}

/** Below every mass of attention that can be told from none. */
const leastMass = 1e-12;
