import { checkArgument, checkFields, oneOf, optional, pairOf, type Rules, text } from '../arguments.js';
import { type Activation, activations } from '../ops/activation.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { Dropout, dropRate } from './dropout.js';
import { checkLayer } from './layer-rules.js';
import type { LinearLayer } from './linear.js';
import { LinearFactory } from './linear-factory.js';
import { Module } from './module.js';
import { type WeightStorage, weightStorages } from './weight-storage.js';

export interface FeedForwardOptions {
  /** Between the two layers; default ReLU. */
  readonly activation?: Activation;
  /** Share of the activations that training drops; default 0. */
  readonly dropout?: number;
  /** Names of the layers; default those of PyTorch's `nn.TransformerEncoderLayer`, `linear1` and `linear2`. */
  readonly names?: readonly [first: string, second: string];
  /** How the matrices are stored; default f32. */
  readonly weights?: WeightStorage;
}

const optionRules: Rules<FeedForwardOptions> = {
  activation: optional(oneOf(...activations)),
  dropout: optional(dropRate),
  names: optional(pairOf(text)),
  weights: optional(oneOf(...weightStorages)),
};

/** Position-wise feed-forward network (Vaswani et al., arXiv:1706.03762, section 3.3): W₂ · activation(W₁ x + b₁) + b₂. */
export class FeedForward extends Module {
  readonly #linears: LinearFactory;
  readonly #activation: Activation;
  readonly #first: LinearLayer;
  readonly #second: LinearLayer;
  readonly #dropout: Dropout;

  constructor(runtime: Runtime, width: number, intermediate: number, options: FeedForwardOptions = {}) {
    checkLayer('FeedForward', runtime, { width, intermediate });
    checkFields('FeedForward', options, optionRules);
    super(runtime);
    const { activation = 'relu', dropout = 0, names = ['linear1', 'linear2'], weights = 'f32' } = options;
    this.#linears = new LinearFactory(runtime, weights);
    this.#activation = activation;
    this.#first = this.child(names[0], this.#linears.linear(width, intermediate));
    this.#second = this.child(names[1], this.#linears.linear(intermediate, width));
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
  }

  /** (…, width) to f32 (…, width). */
  forward(x: Tensor): Tensor {
    checkArgument('feedForward', 'x', x, anyTensor);
    return this.runtime.scope(() => {
      const between = this.#first.forward(this.#linears.input(x), { activation: this.#activation });
      return this.#second.forward(this.#dropout.forward(between), { outDtype: 'f32' });
    });
  }
}
