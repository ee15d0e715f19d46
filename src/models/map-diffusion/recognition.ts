import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
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
  /** How many classes of actions there are. */
  readonly classes: number;
  /** What its cross entropy counts beside the model's own loss. */
  readonly weight: number;
}

/** A configuration from a file, where the classes of `recognition` may have their name of before: kinds. */
export function withClasses(config: unknown): unknown {
  const { recognition } = Object(config) as { recognition?: unknown };
  const { kinds, ...rest } = Object(recognition) as { kinds?: unknown };
  if (kinds === undefined || 'classes' in rest) return config;
  return { ...Object(config), recognition: { classes: kinds, ...rest } };
}

/**
 * Refuses a data set with more classes than the model recognizes.
 * @param path of the configuration in the recipe
 * @throws OptionError
 */
export function checkClasses(
  recognition: RecognitionConfig | undefined,
  { name, classes }: VideoDataset,
  path: string,
): void {
  if (!recognition || classes.length <= recognition.classes) return;
  throw new OptionError(
    `train: the model recognizes ${recognition.classes} classes, ${name} has ${classes.length}: ` +
      `set ${path}.classes, or leave it out (--set ${path}=undefined)`,
  );
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
    this.#linear = this.inline(new Linear(runtime, hidden, config.classes, { bias: false }));
  }

  /**
   * Its weighted part of the loss, one element: the mean cross entropy of the clips.
   * @param clips features (V, hidden, N)
   * @param lengths (V) u32: clips of each video
   * @param classes (V, N) u32, classes; a number that is no class has no loss
   */
  loss(clips: Tensor, lengths: Tensor, classes: Tensor): Tensor {
    return this.runtime.scope(() => {
      const { loss } = linearCrossEntropy({
        hidden: transpose(clips).reshape([-1, this.hidden]),
        weight: this.#linear.weight,
        targets: classes.reshape([-1]),
      });
      return scaleShift(div(sum(loss), sum(cast(lengths, 'f32'))), this.config.weight, 0);
    });
  }
}
