import { checkFields, type Rules } from '../arguments.js';
import { ShapeError } from '../errors.js';
import { checkOperands } from '../ops/call.js';
import { type LinearCallOptions, linearCallRules } from '../ops/matmul/matmul.js';
import type { QuantizedWeight } from '../ops/quantized/quantization.js';
import { type QuantizeOptions, quantizeRules } from '../ops/quantized/quantize-weight.js';
import { quantizedLinear } from '../ops/quantized/quantized-linear.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { uniformFanIn } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { type LinearOptions, linearRules } from './linear.js';
import { Module } from './module.js';
import { QuantizedParameter } from './quantized-parameter.js';
import type { WeightDtype } from './stored-weight.js';

export interface QuantizedLinearLayerOptions extends LinearOptions, QuantizeOptions {}

const layerOptionRules: Rules<QuantizedLinearLayerOptions> = { ...linearRules, ...quantizeRules };

/**
 * A {@link Linear} whose weight is stored in 8 or 4 bits: y = x Wᵀ + b with `weight` (outputs, inputs) and `bias`
 * (outputs). Checkpoints are quantised as they are loaded. The weight is a constant: what is trained stands beside the
 * layer, or is its bias. `dtype` is the type of the bias and of the input.
 */
export class QuantizedLinear extends Module {
  readonly #weight;
  readonly #bias;
  readonly #options;

  constructor(runtime: Runtime, inputs: number, outputs: number, options: QuantizedLinearLayerOptions) {
    checkLayer('QuantizedLinear', runtime, { inputs, outputs });
    checkFields('QuantizedLinear', options, layerOptionRules);
    super(runtime);
    const { bias = true, initial = uniformFanIn(inputs), dtype = 'f32', ...format } = options;
    this.#options = format;
    this.#weight = this.stored('weight', new QuantizedParameter(runtime, [outputs, inputs], initial, format));
    this.#bias = bias ? this.parameter('bias', [outputs], initial, dtype) : undefined;
  }

  /** The layer of a `weight` (outputs, inputs) and a `bias`, which the caller may free. Scopes do not end its life. */
  static from(
    operands: { readonly weight: Tensor; readonly bias?: Tensor | undefined },
    options: QuantizeOptions,
  ): QuantizedLinear {
    checkOperands('QuantizedLinear.from', operands, { weight: 'required', bias: 'optional' });
    checkFields('QuantizedLinear.from', options, quantizeRules);
    const { weight, bias } = operands;
    if (weight.rank !== 2) {
      throw new ShapeError(`QuantizedLinear.from: weight must be (outputs, inputs), not ${weight}`);
    }
    const [outputs, inputs] = weight.shape as [number, number];
    const layer = new QuantizedLinear(weight.runtime, inputs, outputs, {
      ...options,
      bias: bias !== undefined,
      dtype: (bias ?? weight).dtype as WeightDtype,
    });
    try {
      layer.#weight.quantize(weight);
      if (bias) layer.#bias!.allocated().assign(bias);
      return layer;
    } catch (error) {
      layer.dispose();
      throw error;
    }
  }

  /** For what takes the layer's place together with what follows it. @throws ReleasedError */
  get weight(): QuantizedWeight {
    return this.#weight.weight;
  }

  /** (…, inputs) to (…, outputs), of the type of the input where `outDtype` names no other. */
  forward(input: Tensor, options: LinearCallOptions = {}): Tensor {
    checkFields('quantizedLinear', options, linearCallRules);
    const { bits, group } = this.#options;
    return quantizedLinear(
      { input, ...this.weight, bias: this.#bias?.tensor },
      { ...options, bits, ...(group && { group }) },
    );
  }
}
