import { Module } from '../../../nn/module.js';
import { MultiHeadAttention } from '../../../nn/multi-head-attention.js';
import { LayerNorm } from '../../../nn/norm.js';
import { add } from '../../../ops/array/binary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from '../cg-detr/config.js';

/**
 * MASRA's semantic-guided enhancement: clips I that know the text learn of the temporal context H (equations 5 and 6),
 * E₁ = attention(Q = H, K = H, V = I), E₂ = attention(Q = E₁, K = H, V = H), E = LayerNorm(I + E₂). The residual and its norm
 * are ours.
 */
export class GuidedEnhancement extends Module {
  readonly #first: MultiHeadAttention;
  readonly #second: MultiHeadAttention;
  readonly #norm: LayerNorm;

  constructor(runtime: Runtime, { width, heads, dropout }: CgDetrConfig) {
    super(runtime);
    const attention = () => new MultiHeadAttention(runtime, width, heads, { dropout });
    this.#first = this.child('attention1', attention());
    this.#second = this.child('attention2', attention());
    this.#norm = this.child('norm', new LayerNorm(runtime, width));
  }

  /**
   * @param clips I, (B, T, d)
   * @param context H, (B, T, d)
   * @param videoMask u32 (B, T)
   * @returns E, (B, T, d)
   */
  forward(clips: Tensor, context: Tensor, videoMask: Tensor): Tensor {
    return this.runtime.scope(() => {
      const gathered = this.#first.forward(context, { key: context, value: clips, keyMask: videoMask });
      const guided = this.#second.forward(gathered, { key: context, keyMask: videoMask });
      return this.#norm.forward(add(clips, guided));
    });
  }
}
