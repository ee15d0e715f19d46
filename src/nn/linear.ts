import type { ActivationOptions } from '../ops/activation.js';
import { linear } from '../ops/matmul.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/** y = x Wᵀ + b with `weight` (outputs, inputs) and `bias` (outputs). */
export class Linear extends Module {
  readonly #weight;
  readonly #bias;

  constructor(runtime: Runtime, inputs: number, outputs: number, { bias = true } = {}) {
    super(runtime);
    this.#weight = this.parameter('weight', [outputs, inputs]);
    this.#bias = bias ? this.parameter('bias', [outputs]) : undefined;
  }

  /** (…, inputs) to (…, outputs). */
  forward(input: Tensor, activation?: ActivationOptions): Tensor {
    return linear({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, activation);
  }
}
