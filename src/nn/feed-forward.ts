import {
  checkArgument,
  checkFields,
  oneOf,
  optional,
  pairOf,
  type Rule,
  type Rules,
  text,
} from '../arguments.js';
import { type Activation, activations } from '../ops/activation.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { Dropout, dropRate } from './dropout.js';
import { checkLayer } from './layer-rules.js';
import type { LinearLayer } from './linear.js';
import { LinearFactory } from './linear-factory.js';
import { Module } from './module.js';
import { PRelu } from './prelu.js';
import { type WeightStorage, weightStorages } from './weight-storage.js';

/** An activation between two layers; with `prelu` the layers have a `PRelu`. */
export type LayerActivation = Activation | 'prelu';

export const layerActivation: Rule<LayerActivation> = oneOf(...activations, 'prelu');

export interface FeedForwardOptions {
  /** Between the two layers; default ReLU. `prelu` has a learned slope, `activation.weight`. */
  readonly activation?: LayerActivation;
  /** Share of the activations that training drops; default 0. */
  readonly dropout?: number;
  /** Names of the layers; default those of PyTorch's `nn.TransformerEncoderLayer`, `linear1` and `linear2`. */
  readonly names?: readonly [first: string, second: string];
  /** How the matrices are stored; default f32. */
  readonly weights?: WeightStorage;
}

const optionRules: Rules<FeedForwardOptions> = {
  activation: optional(layerActivation),
  dropout: optional(dropRate),
  names: optional(pairOf(text)),
  weights: optional(oneOf(...weightStorages)),
};

/** Position-wise feed-forward network (Vaswani et al., arXiv:1706.03762, section 3.3): W₂ · activation(W₁ x + b₁) + b₂. */
export class FeedForward extends Module {
  readonly #linears: LinearFactory;
  readonly #activation: Activation;
  readonly #slope: PRelu | undefined;
  readonly #first: LinearLayer;
  readonly #second: LinearLayer;
  readonly #dropout: Dropout;

  constructor(runtime: Runtime, width: number, intermediate: number, options: FeedForwardOptions = {}) {
    checkLayer('FeedForward', runtime, { width, intermediate });
    checkFields('FeedForward', options, optionRules);
    super(runtime);
    const { activation = 'relu', dropout = 0, names = ['linear1', 'linear2'], weights = 'f32' } = options;
    this.#linears = new LinearFactory(runtime, weights);
    this.#activation = activation === 'prelu' ? 'none' : activation;
    this.#first = this.child(names[0], this.#linears.linear(width, intermediate));
    this.#second = this.child(names[1], this.#linears.linear(intermediate, width));
    this.#slope = activation === 'prelu' ? this.child('activation', new PRelu(runtime)) : undefined;
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
  }

  /** (…, width) to f32 (…, width). */
  forward(x: Tensor): Tensor {
    checkArgument('feedForward', 'x', x, anyTensor);
    return this.runtime.scope(() => {
      const between = this.#first.forward(this.#linears.input(x), { activation: this.#activation });
      const active = this.#slope ? this.#slope.forward(between) : between;
      return this.#second.forward(this.#dropout.forward(active), { outDtype: 'f32' });
    });
  }
}
