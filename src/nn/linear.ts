import type { ActivationOptions } from '../ops/activation.js';
import { linear, type MatmulOptions } from '../ops/matmul.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Initial, uniformFanIn } from './initial.js';
import { Module, type WeightDtype } from './module.js';

export interface LinearOptions {
  /** With a `bias`; default true. */
  readonly bias?: boolean;
  /** Replaces the usual start of weight and bias. */
  readonly initial?: Initial;
  /** Of the weights, and of the input: f32 (default) or f16. */
  readonly dtype?: WeightDtype;
}

/** What is needed of a linear layer, however it stores its weights. */
export type LinearLayer = Pick<Linear, 'forward'>;

/** y = x Wᵀ + b with `weight` (outputs, inputs) and `bias` (outputs). */
export class Linear extends Module {
  readonly #weight;
  readonly #bias;

  constructor(
    runtime: Runtime,
    inputs: number,
    outputs: number,
    { bias = true, initial = uniformFanIn(inputs), dtype = 'f32' }: LinearOptions = {},
  ) {
    super(runtime);
    this.#weight = this.parameter('weight', [outputs, inputs], initial, dtype);
    this.#bias = bias ? this.parameter('bias', [outputs], initial, dtype) : undefined;
  }

  /** (outputs, inputs), for what takes the layer's place together with what follows it. */
  get weight(): Tensor {
    return this.#weight.tensor;
  }

  /** (…, inputs) to (…, outputs), of the type of the input where `outDtype` names no other. */
  forward(input: Tensor, options?: ActivationOptions & Pick<MatmulOptions, 'outDtype'>): Tensor {
    return linear({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, options);
  }
}
