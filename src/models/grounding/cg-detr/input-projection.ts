import { chain } from '../../../nn/chain.js';
import { Dropout } from '../../../nn/dropout.js';
import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { LayerNorm } from '../../../nn/norm.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';

/** LayerNorm, dropout and a linear map, as often as asked for, with a ReLU between two (Moment-DETR). */
export class InputProjection extends Module {
  readonly #layers: readonly { norm: LayerNorm; dropout: Dropout; linear: Linear }[];

  constructor(runtime: Runtime, channels: number, { width, projectionLayers, inputDropout }: CgDetrConfig) {
    super(runtime);
    this.#layers = Array.from({ length: projectionLayers }, (_, i) => {
      const inputs = i === 0 ? channels : width;
      return {
        norm: this.child(`${i}.LayerNorm`, new LayerNorm(runtime, inputs)),
        dropout: this.child(`${i}.net.0`, new Dropout(runtime, inputDropout)),
        linear: this.child(`${i}.net.1`, new Linear(runtime, inputs, width)),
      };
    });
  }

  /** (B, L, channels) to (B, L, d). */
  forward(x: Tensor): Tensor {
    const last = this.#layers.length - 1;
    return this.runtime.scope(() =>
      chain(x, this.#layers, (y, { norm, dropout, linear }, i) =>
        this.runtime.scope(() =>
          linear.forward(dropout.forward(norm.forward(y)), i < last ? { activation: 'relu' } : {}),
        ),
      ),
    );
  }
}
