import { Conv1d } from '../../nn/conv.js';
import { Module } from '../../nn/module.js';
import { BatchNorm1d } from '../../nn/norm.js';
import { concat, stack } from '../../ops/array/concat.js';
import { pad } from '../../ops/array/pad.js';
import { slice } from '../../ops/array/slice.js';
import type { MapLayout } from '../../ops/iou-map/map-layout.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

/**
 * Stacked convolutions over the clips that give a feature for every candidate moment (MS-2D-TAN,
 * MultiScalePropConvTanhBN): layer j of a scale sees one stride more of the video than layer j - 1, and its outputs
 * are column j of the scale's map. Scale 0: a convolution of 1 clip, then of 2. A later scale takes every second start
 * and duration of the scale before for its first half of columns, and goes on from the last layer, first with 3 clips
 * and stride 2, for the other half.
 *
 * Positions beyond the end of a video only feed cells that are not valid, so the mask is applied once, to the fused
 * map. Where videos are padded, the statistics of a training batch do see the padding.
 */
export class MapEncoder extends Module {
  readonly #scales: readonly (readonly { readonly convolution: Conv1d; readonly norm: BatchNorm1d }[])[];

  constructor(
    runtime: Runtime,
    hidden: number,
    readonly layout: MapLayout,
  ) {
    super(runtime);
    const { scales, durations } = layout;
    this.#scales = Array.from({ length: scales }, (_, scale) => {
      const layers = scale === 0 ? durations : durations / 2;
      return Array.from({ length: layers }, (_, layer) => {
        const first = layer === 0;
        const kernel = first ? (scale === 0 ? 1 : 3) : 2;
        const stride = first && scale > 0 ? 2 : 1;
        return {
          convolution: this.child(
            `layers.${scale}.${layer}.0`,
            new Conv1d(runtime, hidden, hidden, kernel, { stride }),
          ),
          norm: this.child(
            `layers.${scale}.${layer}.1`,
            new BatchNorm1d(runtime, hidden, { activation: 'tanh' }),
          ),
        };
      });
    });
  }

  /** Clips (V, hidden, N) to a map (V, hidden, floor(N / 2^k), A) for each scale k. */
  forward(clips: Tensor): Tensor[] {
    return this.runtime.scope(() => {
      const maps: Tensor[] = [];
      let x = clips;
      this.#scales.forEach((layers, scale) => {
        const rows = this.layout.clips / 2 ** scale;
        const columns = layers.map(({ convolution, norm }) => {
          x = norm.forward(convolution.forward(x));
          return pad(x, { before: [0, 0, 0], after: [0, 0, rows - x.shape[2]!] });
        });
        const longer = stack(columns, 3);
        const before = maps.at(-1);
        maps.push(before ? concat([everySecond(before), longer], 3) : longer);
      });
      return maps;
    });
  }
}

/** Every second start, and every second duration from the second on. */
function everySecond(map: Tensor): Tensor {
  const [videos, hidden, rows, columns] = map.shape as [number, number, number, number];
  return slice(map, {
    starts: [0, 0, 0, 1],
    sizes: [videos, hidden, rows / 2, columns / 2],
    steps: [1, 1, 2, 2],
  });
}
