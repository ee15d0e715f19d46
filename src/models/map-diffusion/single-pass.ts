import { Conv2d } from '../../nn/conv.js';
import { GatedConv2d } from '../../nn/gated-conv.js';
import { Module } from '../../nn/module.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { MapDiffusionConfig } from './config.js';

/** MS-2D-TAN's own head: gated convolutions on the fused features of each scale, and a score for each cell. */
export class SinglePassHead extends Module {
  readonly #scales: readonly { readonly layers: readonly GatedConv2d[]; readonly predictor: Conv2d }[];

  constructor(runtime: Runtime, { layout, hidden, decoder }: MapDiffusionConfig) {
    super(runtime);
    this.#scales = Array.from({ length: layout.scales }, (_, scale) => ({
      layers: Array.from({ length: decoder.layers }, (_, layer) =>
        this.child(
          `map_modules.${scale}.blocks.${layer}`,
          new GatedConv2d(runtime, hidden, hidden, decoder.kernel, { convolution: '0', gate: '1' }),
        ),
      ),
      predictor: this.child(`pred_modules.${scale}.predictor`, new Conv2d(runtime, hidden, 1, 1)),
    }));
  }

  /** F^F of one scale (Q, d_F, rows, A) to its scores (Q, 1, rows, A), before the sigmoid. */
  forward(fused: Tensor, scale: number): Tensor {
    return this.runtime.scope(() => {
      const { layers, predictor } = this.#scales[scale]!;
      return predictor.forward(layers.reduce((x, layer) => layer.forward(x), fused));
    });
  }
}
