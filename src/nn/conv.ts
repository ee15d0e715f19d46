import { type Conv1dOptions, type Conv2dOptions, conv1d, conv2d } from '../ops/conv.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

interface BiasOption {
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
}

/** Convolution over time with `weight` (outputs, inputs, kernel) and `bias` (outputs). */
export class Conv1d extends Module {
  readonly #weight;
  readonly #bias;
  readonly #options: Conv1dOptions;

  constructor(
    runtime: Runtime,
    inputs: number,
    outputs: number,
    kernel: number,
    { bias = true, ...options }: Conv1dOptions & BiasOption = {},
  ) {
    super(runtime);
    this.#options = options;
    this.#weight = this.parameter('weight', [outputs, inputs, kernel]);
    this.#bias = bias ? this.parameter('bias', [outputs]) : undefined;
  }

  /** (B, inputs, T) to (B, outputs, T'). */
  forward(input: Tensor): Tensor {
    return conv1d({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, this.#options);
  }
}

/** Convolution over a map with `weight` (outputs, inputs, rows, columns) and `bias` (outputs). */
export class Conv2d extends Module {
  readonly #weight;
  readonly #bias;
  readonly #options: Conv2dOptions;

  /** `kernel` is the side of a square or [rows, columns]. */
  constructor(
    runtime: Runtime,
    inputs: number,
    outputs: number,
    kernel: number | readonly [rows: number, columns: number],
    { bias = true, ...options }: Conv2dOptions & BiasOption = {},
  ) {
    super(runtime);
    this.#options = options;
    const sides = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    this.#weight = this.parameter('weight', [outputs, inputs, ...sides]);
    this.#bias = bias ? this.parameter('bias', [outputs]) : undefined;
  }

  /** (B, inputs, H, W) to (B, outputs, H', W'). */
  forward(input: Tensor): Tensor {
    return conv2d({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, this.#options);
  }
}
