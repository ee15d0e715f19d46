import { type Conv1dOptions, type Conv2dOptions, conv1d, conv2d } from '../ops/conv.js';
import type { Runtime } from '../tensor/runtime.js';
import { sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Initial, uniformFanIn } from './initial.js';
import { Module } from './module.js';

interface LayerOptions {
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
  /** Replaces the usual start of weight and bias. */
  readonly initial?: Initial;
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
    { bias = true, initial, ...options }: Conv1dOptions & LayerOptions = {},
  ) {
    super(runtime);
    this.#options = options;
    const start = initial ?? uniformFanIn(inputs * kernel);
    this.#weight = this.parameter('weight', [outputs, inputs, kernel], start);
    this.#bias = bias ? this.parameter('bias', [outputs], start) : undefined;
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
    { bias = true, initial, ...options }: Conv2dOptions & LayerOptions = {},
  ) {
    super(runtime);
    this.#options = options;
    const sides = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const start = initial ?? uniformFanIn(inputs * sizeOf(sides));
    this.#weight = this.parameter('weight', [outputs, inputs, ...sides], start);
    this.#bias = bias ? this.parameter('bias', [outputs], start) : undefined;
  }

  /** (B, inputs, H, W) to (B, outputs, H', W'). */
  forward(input: Tensor): Tensor {
    return conv2d({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, this.#options);
  }
}
