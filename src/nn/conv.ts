import { checkArgument, checkFields, either, integer, optional, pairOf, type Rules } from '../arguments.js';
import {
  type Conv1dOptions,
  type Conv2dOptions,
  conv1d,
  conv1dRules,
  conv2d,
  conv2dOperation,
} from '../ops/conv/conv.js';
import type { Runtime } from '../tensor/runtime.js';
import { sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Initial, uniformFanIn } from './initial.js';
import { anyInitial, checkLayer, layerRules } from './layer-rules.js';
import { Module } from './module.js';

export interface ConvLayerOptions {
  /** Whether there is a bias; default true. */
  readonly bias?: boolean;
  /** Replaces the usual start of weight and bias. */
  readonly initial?: Initial;
  /** Start of the bias, where it differs from that of the weight. */
  readonly biasInitial?: Initial;
}

const ownRules: Rules<ConvLayerOptions> = { ...layerRules, biasInitial: optional(anyInitial) };

const conv1dLayerRules: Rules<Conv1dOptions & ConvLayerOptions> = { ...conv1dRules, ...ownRules };
const conv2dLayerRules: Rules<Conv2dOptions & ConvLayerOptions> = {
  ...conv2dOperation.spec.options,
  ...ownRules,
};

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
    options: Conv1dOptions & ConvLayerOptions = {},
  ) {
    checkLayer('Conv1d', runtime, { inputs, outputs, kernel });
    checkFields('Conv1d', options, conv1dLayerRules);
    super(runtime);
    const { bias = true, initial, biasInitial, ...others } = options;
    this.#options = others;
    const start = initial ?? uniformFanIn(inputs * kernel);
    this.#weight = this.parameter('weight', [outputs, inputs, kernel], start);
    this.#bias = bias ? this.parameter('bias', [outputs], biasInitial ?? start) : undefined;
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
    options: Conv2dOptions & ConvLayerOptions = {},
  ) {
    checkLayer('Conv2d', runtime, { inputs, outputs });
    checkArgument('Conv2d', 'kernel', kernel, either(integer(1), pairOf(integer(1))));
    checkFields('Conv2d', options, conv2dLayerRules);
    super(runtime);
    const { bias = true, initial, biasInitial, ...others } = options;
    this.#options = others;
    const sides = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const start = initial ?? uniformFanIn(inputs * sizeOf(sides));
    this.#weight = this.parameter('weight', [outputs, inputs, ...sides], start);
    this.#bias = bias ? this.parameter('bias', [outputs], biasInitial ?? start) : undefined;
  }

  /** (B, inputs, H, W) to (B, outputs, H', W'). */
  forward(input: Tensor): Tensor {
    return conv2d({ input, weight: this.#weight.tensor, bias: this.#bias?.tensor }, this.#options);
  }
}
