import { Dropout } from '../../../nn/dropout.js';
import { joinHeads, splitHeads } from '../../../nn/heads.js';
import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { mean } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { attentionProbabilities } from '../../../ops/attention/attention-probabilities.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface HeadAttentionInputs {
  /** (B, Lk, any width that the heads divide). */
  readonly key: Tensor;
  /** (B, Lv, d), Lv ≤ Lk: values of the last Lv keys. The keys before them take probability and give nothing. */
  readonly value: Tensor;
  /** u32 (B, Lk): keys where it is 0 are not attended. */
  readonly keyMask?: Tensor | undefined;
}

/**
 * Attention of heads that are given as they are, without projections of queries, keys and values; `out_proj` maps what they
 * gather (Conditional DETR, Meng et al., arXiv:2108.06152). Queries and keys may be wider than values. Its probabilities are in memory: CG-DETR's losses and its saliency token
 * are made of them, and the decoder's are few.
 */
export class HeadAttention extends Module {
  readonly #dropout: Dropout;
  readonly #out: Linear;

  constructor(
    runtime: Runtime,
    readonly width: number,
    readonly heads: number,
    dropout: number,
  ) {
    super(runtime);
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
    this.#out = this.child('out_proj', new Linear(runtime, width, width));
  }

  /** Queries (B, Lq, as the keys) to (B, Lq, d), and the mean of the heads' probabilities before dropout, (B, Lq, Lk). */
  forward(query: Tensor, { key, value, keyMask }: HeadAttentionInputs): { output: Tensor; weights: Tensor } {
    const { heads } = this;
    const [keys, values] = [key.shape[1]!, value.shape[1]!];
    return this.runtime.scope(() => {
      const probabilities = attentionProbabilities({
        ...{ query: splitHeads(query, heads), key: splitHeads(key, heads), keyMask },
      });
      const kept = this.#dropout.forward(probabilities);
      const counted = values === keys ? kept : narrow(kept, 3, keys - values, values);
      const gathered = matmul({ a: counted, b: splitHeads(value, heads) });
      return { output: this.#out.forward(joinHeads(gathered)), weights: mean(probabilities, { axes: 1 }) };
    });
  }

  /** What a query gets that has nothing to attend: the bias of the last layer. Of the shape of `query`, (B, Lq, d). */
  nothing(query: Tensor): Tensor {
    return this.runtime.scope(() => this.#out.forward(this.runtime.zeros(query.shape)));
  }
}
