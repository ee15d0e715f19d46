import { Conv1d } from '../../../nn/conv.js';
import { Dropout } from '../../../nn/dropout.js';
import { constantInitial, kaimingUniform } from '../../../nn/initial.js';
import { Module } from '../../../nn/module.js';
import { mul } from '../../../ops/array/binary.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { sigmoid } from '../../../ops/array/unary.js';
import type { Conv1dOptions } from '../../../ops/conv/conv.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface FilterAttentionSizes {
  /** Channels of each modality. */
  readonly channels: number;
  /** Channels of the convolutions that the attention comes from. */
  readonly width: number;
  /** Share of channels that training drops. */
  readonly dropout: number;
  /** Channels of the auto-encoder's code; without it there is no auto-encoder. */
  readonly code?: number | undefined;
}

export interface Filtered {
  /** (B, 1, T) from 0 to 1. */
  readonly attention: Tensor;
  /** (B, channels, T) the main modality, filtered. */
  readonly features: Tensor;
  /** (B, channels, T) the other modality, rebuilt from its code. */
  readonly rebuilt?: Tensor;
}

const leaky = { activation: 'leaky_relu', negativeSlope: 0.2 } as const;

/** A convolution as in all networks of this family: Kaiming weights and biases 0 to begin with; by default LeakyReLU with a slope of .2. */
export function familyConv(
  runtime: Runtime,
  inputs: number,
  outputs: number,
  kernel: 1 | 3,
  options: Conv1dOptions = leaky,
): Conv1d {
  return new Conv1d(runtime, inputs, outputs, kernel, {
    ...options,
    padding: (kernel - 1) / 2,
    initial: kaimingUniform(inputs * kernel),
    biasInitial: constantInitial(0),
  });
}

/**
 * The cross-modal attention of CO2-Net (Hong et al., arXiv:2107.12589, section 3.2): a modality v is filtered by what the
 * other one, f, says at each snippet and v says on the whole, ṽ = sigmoid(conv f ⊙ conv mean v) ⊙ v, and the attention of
 * a snippet comes from ṽ by three convolutions. With a code it is that of Boosting-WTAL (Li et al., arXiv:2305.00607):
 * f goes through an auto-encoder, and the filter is sigmoid(b ⊙ cos(b, conv mean v)), b a convolution of the code.
 * The names of the weights are those of the released checkpoints.
 */
export class FilterAttention extends Module {
  readonly #encode: Conv1d | undefined;
  readonly #decode: Conv1d | undefined;
  readonly #local: Conv1d;
  readonly #global: Conv1d;
  readonly #first: Conv1d;
  readonly #second: Conv1d;
  readonly #last: Conv1d;
  readonly #dropout: Dropout;

  constructor(runtime: Runtime, { channels, width, dropout, code }: FilterAttentionSizes) {
    super(runtime);
    const conv = (name: string, ...sizes: [number, number, 1 | 3, Conv1dOptions?]) =>
      this.child(name, familyConv(runtime, ...sizes));
    this.#encode = code === undefined ? undefined : conv('AE_e.0', channels, code, 3);
    this.#decode = code === undefined ? undefined : conv('AE_d.0', code, channels, 3);
    this.#local = conv('bit_wise_attn.0', code ?? channels, channels, 3);
    this.#global = conv('channel_conv.0', channels, channels, 3);
    this.#first = conv('attention.0', channels, width, 3);
    this.#second = conv('attention.3', width, width, 3);
    this.#last = conv('attention.5', width, 1, 1, {});
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
  }

  /** Two modalities (B, channels, T): the one that is filtered, and the one that it is filtered by. */
  forward(main: Tensor, other: Tensor): Filtered {
    return this.runtime.scope(() => {
      const dropped = (layer: Conv1d, x: Tensor) => this.#dropout.forward(layer.forward(x));
      const code = this.#encode && dropped(this.#encode, other);
      const whole = dropped(this.#global, mean(main, { axes: 2, keepDims: true }));
      const local = dropped(this.#local, code ?? other);
      const filter = sigmoid(mul(local, code ? cosine(whole, local) : whole));
      const features = mul(filter, main);
      const evidence = this.#second.forward(dropped(this.#first, features));
      return {
        // The dropout stands between the last convolution and the sigmoid.
        attention: sigmoid(dropped(this.#last, evidence)),
        features,
        ...(this.#decode && { rebuilt: dropped(this.#decode, code!) }),
      };
    });
  }
}

/** Cosine of the channels of (B, C, 1) and of each snippet of (B, C, T): (B, 1, T). */
function cosine(whole: Tensor, local: Tensor): Tensor {
  const products = mul(l2Normalize(whole, { axis: 1 }), l2Normalize(local, { axis: 1 }));
  return sum(products, { axes: 1, keepDims: true });
}
