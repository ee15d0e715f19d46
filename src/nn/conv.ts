import { type Conv1dOptions, conv1d } from '../ops/conv.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/** Convolution over time with `weight` (outputs, inputs, kernel) and `bias` (outputs). */
export class Conv1d extends Module {
  readonly #weight;
  readonly #bias;

  constructor(
    runtime: Runtime,
    inputs: number,
    outputs: number,
    kernel: number,
    readonly options: Conv1dOptions = {},
  ) {
    super(runtime);
    this.#weight = this.parameter('weight', [outputs, inputs, kernel]);
    this.#bias = this.parameter('bias', [outputs]);
  }

  /** (B, inputs, T) to (B, outputs, T'). */
  forward(input: Tensor): Tensor {
    return conv1d({ input, weight: this.#weight.tensor, bias: this.#bias.tensor }, this.options);
  }
}
