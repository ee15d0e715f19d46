import type { Conv1d } from '../../../nn/conv.js';
import { Module } from '../../../nn/module.js';
import { sigmoid } from '../../../ops/array/unary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { FilterAttention, type Filtered, familyConv } from './filter-attention.js';
import { smoothed } from './snippets.js';

export interface BranchSizes {
  /** Channels of the modality. */
  readonly channels: number;
  readonly classes: number;
  readonly classifierWidth: number;
  readonly attentionWidth: number;
  readonly attentionDropout: number;
  readonly pool: number | undefined;
}

/** What a base of ActionDiff's family has for each modality: the attention, a classifier and the actionness. */
export class ModalityBranch extends Module {
  readonly #attention: FilterAttention;
  readonly #classifier: readonly [Conv1d, Conv1d];
  readonly #actionness: readonly [Conv1d, Conv1d];
  readonly #pool: number | undefined;

  constructor(runtime: Runtime, sizes: BranchSizes) {
    super(runtime);
    const { channels, classes, classifierWidth, attentionWidth, attentionDropout, pool } = sizes;
    const relu = { activation: 'relu' } as const;
    this.#pool = pool;
    this.#attention = this.child(
      'attention',
      new FilterAttention(runtime, { channels, width: attentionWidth, dropout: attentionDropout }),
    );
    this.#classifier = [
      this.child('classifier.0', familyConv(runtime, channels, classifierWidth, 3, relu)),
      this.child('classifier.2', familyConv(runtime, classifierWidth, classes, 1, {})),
    ];
    this.#actionness = [
      this.child('actionness.0', familyConv(runtime, channels, attentionWidth, 1, relu)),
      this.child('actionness.2', familyConv(runtime, attentionWidth, 1, 1, {})),
    ];
  }

  /** Of this modality and the other, (B, channels, T). */
  filter(main: Tensor, other: Tensor): Filtered {
    return this.#attention.forward(main, other);
  }

  /** Filtered features (B, channels, T) to logits (B, K, T). */
  classify(features: Tensor): Tensor {
    return this.#through(this.#classifier, features);
  }

  /** Filtered features (B, channels, T) to (B, 1, T) from 0 to 1. */
  actionness(features: Tensor): Tensor {
    return this.runtime.scope(() => sigmoid(this.#through(this.#actionness, features)));
  }

  #through([hidden, scores]: readonly [Conv1d, Conv1d], features: Tensor): Tensor {
    return this.runtime.scope(() => smoothed(scores.forward(hidden.forward(features)), this.#pool));
  }
}
