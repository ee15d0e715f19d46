import type { ActivationOptions } from '../ops/activation.js';
import { linear } from '../ops/matmul.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Initial, uniformFanIn } from './initial.js';
import { Module } from './module.js';

/** y = x Wᵀ + b with `weight` (outputs, inputs) and `bias` (outputs). */
export class Linear extends Module {
  readonly #weight;
  readonly #bias;

  /** `initial` replaces the usual start of weight and bias. */
  constructor(
    runtime: Runtime,
    inputs: number,
    outputs: number,
    { bias = true, initial: start }: { readonly bias?: boolean; readonly initial?: Initial } = {},
  ) {
    super(runtime);
    const initial = start ?? uniformFanIn(inputs);
    this.#weight = this.parameter('weight', [outputs, inputs], initial);
    this.#bias = bias ? this.parameter('bias', [outputs], initial) : undefined;
  }

  /** (outputs, inputs), for what takes the layer's place together with what follows it. */
  get weight(): Tensor {
    return this.#weight.tensor;
  }

  /** (…, inputs) to (…, outputs). */
  forward(input: Tensor, activation?: ActivationOptions): Tensor {
    return linear({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, activation);
  }
}
