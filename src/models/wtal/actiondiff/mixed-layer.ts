import { Conv1d } from '../../../nn/conv.js';
import { Dropout } from '../../../nn/dropout.js';
import { constantInitial, kaimingUniform } from '../../../nn/initial.js';
import { Module } from '../../../nn/module.js';
import { add } from '../../../ops/array/binary.js';
import { concat } from '../../../ops/array/concat.js';
import { windowedAttention } from '../../../ops/attention/windowed-attention.js';
import type { Conv1dOptions } from '../../../ops/conv/conv.js';
import { instanceNorm } from '../../../ops/norm/group-norm.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { MaskDecoderConfig } from './decoder-config.js';

/** A convolution that begins as those of the sibling: Kaiming weights, biases 0. */
export function diffusionConv(
  runtime: Runtime,
  inputs: number,
  outputs: number,
  kernel: number,
  options: Conv1dOptions = {},
): Conv1d {
  return new Conv1d(runtime, inputs, outputs, kernel, {
    ...options,
    padding: 'same',
    initial: kaimingUniform(inputs * kernel),
    biasInitial: constantInitial(0),
  });
}

/**
 * A layer of DiffAct's decoder: x + FFN(InstanceNorm(conv x + attention)). The convolution and the windowed attention see the
 * same steps, `kernel` of them at the layer's dilation; queries and keys come from x and the condition, values from x.
 * Names of weights as in DiffAct.
 */
export class MixedLayer extends Module {
  readonly #conv: Conv1d;
  readonly #query: Conv1d;
  readonly #key: Conv1d;
  readonly #value: Conv1d;
  readonly #widen: Conv1d;
  readonly #narrow: Conv1d;
  readonly #dropout: Dropout;

  constructor(
    runtime: Runtime,
    readonly config: MaskDecoderConfig,
    condition: number,
    readonly dilation: number,
  ) {
    super(runtime);
    const { maps, kernel, dropout } = config;
    const conv = (name: string, inputs: number, taps = 1, options: Conv1dOptions = {}) =>
      this.child(name, diffusionConv(runtime, inputs, maps, taps, options));
    this.#conv = conv('conv_block.0', maps, kernel, { dilation });
    this.#query = conv('att_linear_q', maps + condition);
    this.#key = conv('att_linear_k', maps + condition);
    this.#value = conv('att_linear_v', maps);
    this.#widen = conv('ffn_block.0', maps, 1, { activation: 'relu' });
    this.#narrow = conv('ffn_block.2', maps);
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
  }

  /** x (B, maps, T) with a condition (B, D, T) to the shape of x. */
  forward(x: Tensor, condition: Tensor): Tensor {
    return this.runtime.scope(() => {
      const kept = this.#dropout.forward(x);
      const joined = concat([kept, this.#dropout.forward(condition)], 1);
      const attended = windowedAttention(
        {
          query: this.#query.forward(joined),
          key: this.#key.forward(joined),
          value: this.#value.forward(kept),
        },
        { taps: this.config.kernel, dilation: this.dilation },
      );
      const normed = instanceNorm({ x: add(this.#conv.forward(kept), attended) });
      return add(x, this.#narrow.forward(this.#widen.forward(normed)));
    });
  }
}
