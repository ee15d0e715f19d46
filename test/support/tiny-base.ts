import { type BaseOutputs, WtalBase } from '../../src/models/wtal/base.js';
import { Linear } from '../../src/nn/linear.js';
import { sigmoid } from '../../src/ops/array/unary.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** The smallest base: a linear layer for the attention and one for the scores. */
export class TinyBase extends WtalBase {
  readonly #attention: Linear;
  readonly #scores: Linear;

  constructor(
    runtime: Runtime,
    readonly channels: number,
    readonly classes: number,
  ) {
    super(runtime);
    this.#attention = this.child('attention', new Linear(runtime, channels, 1));
    this.#scores = this.child('scores', new Linear(runtime, channels, classes));
  }

  get width(): number {
    return this.channels;
  }

  forward(snippets: Tensor): BaseOutputs {
    return this.runtime.scope(() => {
      const attention = sigmoid(this.#attention.forward(snippets)).reshape(snippets.shape.slice(0, 2));
      const features = snippets.reshape(snippets.shape);
      const none = { modalAttentions: [], actionness: [], reconstructions: [] };
      return { cas: this.classify(snippets), attention, features, ...none };
    });
  }

  classify(features: Tensor): Tensor {
    return this.#scores.forward(features);
  }
}
