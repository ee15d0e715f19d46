import { checkFields, optional, type Rules } from '../arguments.js';
import { type LinearCallOptions, linear } from '../ops/matmul/matmul.js';
import { floatDtype } from '../tensor/dtype.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Initial, uniformFanIn } from './initial.js';
import { checkLayer, layerRules } from './layer-rules.js';
import { Module } from './module.js';
import type { WeightDtype } from './stored-weight.js';

export interface LinearOptions {
  /** With a `bias`; default true. */
  readonly bias?: boolean;
  /** Replaces the usual start of weight and bias. */
  readonly initial?: Initial;
  /** Of the weights, and of the input: f32 (default) or f16. */
  readonly dtype?: WeightDtype;
}

export const linearRules: Rules<LinearOptions> = { ...layerRules, dtype: optional(floatDtype) };

/** What is needed of a linear layer, however it stores its weights. */
export type LinearLayer = Pick<Linear, 'forward'>;

/** y = x Wᵀ + b with `weight` (outputs, inputs) and `bias` (outputs). */
export class Linear extends Module {
  readonly #weight;
  readonly #bias;

  constructor(runtime: Runtime, inputs: number, outputs: number, options: LinearOptions = {}) {
    checkLayer('Linear', runtime, { inputs, outputs });
    checkFields('Linear', options, linearRules);
    super(runtime);
    const { bias = true, initial = uniformFanIn(inputs), dtype = 'f32' } = options;
    this.#weight = this.parameter('weight', [outputs, inputs], initial, dtype);
    this.#bias = bias ? this.parameter('bias', [outputs], initial, dtype) : undefined;
  }

  /** (outputs, inputs), for what takes the layer's place together with what follows it. */
  get weight(): Tensor {
    return this.#weight.tensor;
  }

  /** (…, inputs) to (…, outputs), of the type of the input where `outDtype` names no other. */
  forward(input: Tensor, options?: LinearCallOptions): Tensor {
    return linear({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, options);
  }
}
