import { checkArguments, integer } from '../../../arguments.js';
import { ShapeError } from '../../../errors.js';
import { chain } from '../../../nn/chain.js';
import type { Conv1d } from '../../../nn/conv.js';
import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { add } from '../../../ops/array/binary.js';
import { concat } from '../../../ops/array/concat.js';
import { narrow } from '../../../ops/array/slice.js';
import { silu } from '../../../ops/array/unary.js';
import { timeEmbedding } from '../../../ops/diffusion/time-embedding.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import { decoderRule, type MaskDecoderConfig } from './decoder-config.js';
import { diffusionConv, MixedLayer } from './mixed-layer.js';

/**
 * The decoder of DiffAct (Liu et al., ICCV 2023): what a noisy mask shows, under a condition. The embedded time is added to
 * the embedded mask, and layers of dilated convolution and windowed attention follow (`MixedLayer`). Names of weights as in
 * DiffAct.
 */
export class DiffActDecoder extends Module {
  readonly #time: readonly [Linear, Linear];
  readonly #timeToMaps: Linear;
  readonly #in: Conv1d;
  readonly #layers: readonly MixedLayer[];
  readonly #out: Conv1d;

  /**
   * @param channels C of the mask
   * @param condition D: channels of the condition
   * @throws OptionError
   */
  constructor(
    runtime: Runtime,
    readonly config: MaskDecoderConfig,
    readonly channels: number,
    readonly condition: number,
  ) {
    checkArguments(
      'DiffActDecoder',
      { runtime, config, channels, condition },
      { runtime: anyRuntime, config: decoderRule, channels: integer(1), condition: integer(1) },
    );
    super(runtime);
    const { maps, layers, timeEmbedding: width } = config;
    this.#time = [
      this.child('time_in.0', new Linear(runtime, width, width)),
      this.child('time_in.1', new Linear(runtime, width, width)),
    ];
    this.#in = this.child('conv_in', diffusionConv(runtime, channels, maps, 1));
    this.#timeToMaps = this.child('module.time_proj', new Linear(runtime, width, maps));
    this.#layers = Array.from({ length: layers }, (_, i) =>
      this.child(`module.layers.${i}`, new MixedLayer(runtime, config, condition, 2 ** i)),
    );
    this.#out = this.child('conv_out', diffusionConv(runtime, maps, channels, 1));
  }

  /**
   * @param mask (B, C, T), noisy, from 0 to 1
   * @param condition (B, D, T)
   * @param t (B) u32: times of the diffusion
   * @returns output (B, C, T), logits of the mask without noise, and the last layer's hidden (B, maps, T)
   * @throws ShapeError, DtypeError
   */
  forward(mask: Tensor, condition: Tensor, t: Tensor): { output: Tensor; hidden: Tensor } {
    const rules = { mask: anyTensor, condition: anyTensor, t: anyTensor };
    checkArguments('DiffActDecoder.forward', { mask, condition, t }, rules);
    const [batch, , steps] = mask.shape;
    const fits = (x: Tensor, channels: number) =>
      x.rank === 3 && x.shape[0] === batch && x.shape[1] === channels && x.shape[2] === steps;
    if (!fits(mask, this.channels) || !fits(condition, this.condition) || t.shape[0] !== batch) {
      throw new ShapeError(
        `DiffActDecoder.forward: mask must be (B, ${this.channels}, T), condition (B, ${this.condition}, T) and t (B), ` +
          `not ${mask}, ${condition} and ${t}`,
      );
    }
    return this.runtime.scope(() => {
      const [first, second] = this.#time;
      const time = second.forward(silu(first.forward(this.#embedded(t))));
      const ofTime = this.#timeToMaps.forward(silu(time)).reshape([batch!, this.config.maps, 1]);
      const hidden = chain(add(this.#in.forward(mask), ofTime), this.#layers, (x, layer) =>
        layer.forward(x, condition),
      );
      return { output: this.#out.forward(hidden), hidden };
    });
  }

  /** [sin(t f_i), cos(t f_i)], f_i = 10 000^(−i / (⌊width/2⌋ − 1)), and zeros where the width is odd: (B, width). */
  #embedded(t: Tensor): Tensor {
    const { timeEmbedding: width } = this.config;
    const half = Math.floor(width / 2);
    // The operation divides i by the half, and has the cosines first.
    const found = timeEmbedding(t, { width, maxPeriod: 10_000 ** (half / (half - 1)) });
    const rest = width > 2 * half ? [narrow(found, 1, 2 * half, 1)] : [];
    return concat([narrow(found, 1, half, half), narrow(found, 1, 0, half), ...rest], 1);
  }
}
