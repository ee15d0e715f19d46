import { Conv2d } from '../../../nn/conv.js';
import { Mlp } from '../../../nn/mlp.js';
import { Module } from '../../../nn/module.js';
import { LayerNorm } from '../../../nn/norm.js';
import { add, mul } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { softmax } from '../../../ops/array/softmax.js';
import { where } from '../../../ops/array/where.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from '../cg-detr/config.js';
import { cosines } from './cosines.js';

const lowest = -1e9;

/**
 * MASRA's second-order relational attention (equations 9 and 10): from the cosines S of clips E, S̃ = S + φ(S) with φ a
 * convolution of the T × T map, GELU and a second convolution, and F = softmax(S̃) · MLP(E); LayerNorm(E + F). Padding counts as
 * what lies outside of the map. Number of channels, MLP (two layers, ReLU), residual and norm are ours.
 */
export class SecondOrderAttention extends Module {
  readonly #spread: Conv2d;
  readonly #join: Conv2d;
  readonly #values: Mlp;
  readonly #norm: LayerNorm;

  /** @param channels between the convolutions */
  constructor(runtime: Runtime, { width }: CgDetrConfig, channels: number) {
    super(runtime);
    this.#spread = this.child(
      'conv1',
      new Conv2d(runtime, 1, channels, 3, { padding: 1, activation: 'gelu' }),
    );
    this.#join = this.child('conv2', new Conv2d(runtime, channels, 1, 3, { padding: 1 }));
    this.#values = this.child('mlp', new Mlp(runtime, width, width, width, { layers: 2 }));
    this.#norm = this.child('norm', new LayerNorm(runtime, width));
  }

  /** Clips (B, T, d) with their mask, u32 (B, T), to the same shape. */
  forward(clips: Tensor, videoMask: Tensor): Tensor {
    const [batch, length] = videoMask.shape as [number, number];
    return this.runtime.scope(() => {
      const present = cast(videoMask, 'f32');
      const inside = mul(present.reshape([batch, 1, length, 1]), present.reshape([batch, 1, 1, length]));
      const first = mul(cosines(clips).reshape([batch, 1, length, length]), inside);
      const second = this.#join.forward(mul(this.#spread.forward(first), inside));
      const scores = add(first, second).reshape([batch, length, length]);
      const weights = softmax(where(videoMask.reshape([batch, 1, length]), scores, lowest));
      const gathered = matmul({ a: weights, b: this.#values.forward(clips) });
      return this.#norm.forward(add(clips, gathered));
    });
  }
}
