import { checkFields, text } from '../arguments.js';
import { checkOperands } from '../ops/call.js';
import { gatedConv2d, gatedConv2dPartial } from '../ops/conv/gated-conv.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { uniformFanIn } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { Module, type Parameter } from './module.js';

/** Names of the two convolutions in a checkpoint. */
export interface GateNames {
  readonly convolution: string;
  readonly gate: string;
}

/**
 * Gated convolution over a map that keeps its size, ReLU(conv(x)) · sigmoid(gate(x)), with one gate for all channels
 * (MS-2D-TAN, MapGatedConv).
 */
export class GatedConv2d extends Module {
  readonly #weights: readonly [
    weight: Parameter,
    bias: Parameter,
    gateWeight: Parameter,
    gateBias: Parameter,
  ];

  constructor(
    runtime: Runtime,
    inputs: number,
    outputs: number,
    kernel: number,
    names: GateNames = { convolution: 'conv', gate: 'gate' },
  ) {
    checkLayer('GatedConv2d', runtime, { inputs, outputs, kernel });
    checkFields('GatedConv2d', names, { convolution: text, gate: text });
    super(runtime);
    const { convolution, gate } = names;
    const initial = uniformFanIn(inputs * kernel * kernel);
    this.#weights = [
      this.parameter(`${convolution}.weight`, [outputs, inputs, kernel, kernel], initial),
      this.parameter(`${convolution}.bias`, [outputs], initial),
      this.parameter(`${gate}.weight`, [1, inputs, kernel, kernel], initial),
      this.parameter(`${gate}.bias`, [1], initial),
    ];
  }

  /**
   * (B, C, H, W) to (B, outputs, H, W).
   * @param more the other input channels, after those of `input`: as they are, or as the share of the sums that
   *   `partial` made of them
   */
  forward(input: Tensor, more: { readonly condition?: Tensor; readonly partial?: Tensor } = {}): Tensor {
    checkOperands('gatedConv2d', more, { condition: 'optional', partial: 'optional' });
    const [weight, bias, gateWeight, gateBias] = this.#weights.map(({ tensor }) => tensor) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    return gatedConv2d({ input, ...more, weight, bias, gateWeight, gateBias }, { activation: 'relu' });
  }

  /** The share of the input channels from `firstChannel` on in the sums: for what is the same in many calls. */
  partial(input: Tensor, firstChannel: number): Tensor {
    const [weight, , gateWeight] = this.#weights;
    return gatedConv2dPartial(
      { input, weight: weight.tensor, gateWeight: gateWeight.tensor },
      { firstChannel, padding: 'same' },
    );
  }
}
