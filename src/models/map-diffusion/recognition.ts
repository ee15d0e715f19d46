import { Linear } from '../../nn/linear.js';
import { Module } from '../../nn/module.js';
import { div } from '../../ops/array/binary.js';
import { cast } from '../../ops/array/cast.js';
import { transpose } from '../../ops/array/permute.js';
import { sum } from '../../ops/array/reduce.js';
import { scaleShift } from '../../ops/array/unary.js';
import { linearCrossEntropy } from '../../ops/vocabulary/linear-cross-entropy.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface RecognitionConfig {
  readonly kinds: number;
  /** What its cross entropy counts beside the model's own loss. */
  readonly weight: number;
}

/** In training, each clip's feature also predicts the class of action that it shows (ours). */
export class Recognition extends Module {
  readonly #linear;

  constructor(
    runtime: Runtime,
    readonly hidden: number,
    readonly config: RecognitionConfig,
  ) {
    super(runtime);
    this.#linear = this.inline(new Linear(runtime, hidden, config.kinds, { bias: false }));
  }

  /**
   * Its weighted part of the loss, one element: the mean cross entropy of the clips.
   * @param clips features (V, hidden, N)
   * @param lengths (V) u32: clips of each video
   * @param kinds (V, N) u32, classes; a number that is no class has no loss
   */
  loss(clips: Tensor, lengths: Tensor, kinds: Tensor): Tensor {
    return this.runtime.scope(() => {
      const { loss } = linearCrossEntropy({
        hidden: transpose(clips).reshape([-1, this.hidden]),
        weight: this.#linear.weight,
        targets: kinds.reshape([-1]),
      });
      return scaleShift(div(sum(loss), sum(cast(lengths, 'f32'))), this.config.weight, 0);
    });
  }
}
