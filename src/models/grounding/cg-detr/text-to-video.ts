import { type Drop, Dropout, DropPath } from '../../../nn/dropout.js';
import { FeedForward } from '../../../nn/feed-forward.js';
import { Module } from '../../../nn/module.js';
import { MultiHeadAttention } from '../../../nn/multi-head-attention.js';
import { LayerNorm } from '../../../nn/norm.js';
import { add } from '../../../ops/array/binary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';
import { HeadAttention, type HeadAttentionInputs } from './head-attention.js';

/** y = x + attention, then norm2(y + FFN(norm1(y))): the layers of QD-DETR's text-to-video encoder. */
abstract class TextToVideoBlock extends Module {
  readonly #drops: readonly [Drop, Drop];
  readonly #norms: readonly [LayerNorm, LayerNorm];
  readonly #feed: FeedForward;

  constructor(runtime: Runtime, { width, intermediate, activation, dropout, dropPath }: CgDetrConfig) {
    super(runtime);
    const norm = (name: string) => this.child(name, new LayerNorm(runtime, width));
    const drop = (name: string) =>
      this.child(name, dropPath ? new DropPath(runtime, dropout) : new Dropout(runtime, dropout));
    this.#feed = this.inline(new FeedForward(runtime, width, intermediate, { activation, dropout }));
    this.#norms = [norm('norm1'), norm('norm2')];
    this.#drops = [drop('dropout1'), drop('dropout2')];
  }

  protected afterAttention(x: Tensor, attended: Tensor): Tensor {
    const [[dropAttended, dropFed], [before, after]] = [this.#drops, this.#norms];
    return this.runtime.scope(() => {
      const y = add(x, dropAttended.forward(attended));
      return after.forward(add(y, dropFed.forward(this.#feed.forward(before.forward(y)))));
    });
  }
}

/** Clips attend to words (QD-DETR). */
export class CrossBlock extends TextToVideoBlock {
  readonly #attention: MultiHeadAttention;

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime, config);
    const { width, heads, dropout } = config;
    this.#attention = this.child('self_attn', new MultiHeadAttention(runtime, width, heads, { dropout }));
  }

  /** @param positions added to clips (B, T, d) as queries */
  forward(video: Tensor, positions: Tensor, text: Tensor, textMask: Tensor): Tensor {
    return this.runtime.scope(() =>
      this.afterAttention(
        video,
        this.#attention.forward(add(video, positions), { key: text, keyMask: textMask }),
      ),
    );
  }
}

/** Clips attend to dummies and words, and only the values of the words count (CG-DETR, adaptive cross-attention). */
export class AdaptiveBlock extends TextToVideoBlock {
  readonly #attention: HeadAttention;

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime, config);
    const { width, heads, dropout } = config;
    this.#attention = this.child('self_attn', new HeadAttention(runtime, width, heads, dropout));
  }

  /** @returns the clips, and the probabilities (B, T, D + L) of dummies and words */
  forward(
    video: Tensor,
    positions: Tensor,
    attended: HeadAttentionInputs,
  ): { video: Tensor; weights: Tensor } {
    return this.runtime.scope(() => {
      const { output, weights } = this.#attention.forward(add(video, positions), attended);
      return { video: this.afterAttention(video, output), weights };
    });
  }

  /** A token (B, 1, d) that has nothing to attend to. */
  alone(token: Tensor): Tensor {
    return this.runtime.scope(() => this.afterAttention(token, this.#attention.nothing(token)));
  }
}
