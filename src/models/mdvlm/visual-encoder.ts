import { OptionError } from '../../errors.js';
import { normalInitial } from '../../nn/initial.js';
import { Module } from '../../nn/module.js';
import { concat } from '../../ops/concat.js';
import { split } from '../../ops/slice.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import { poolFrameTokens, withNewlines } from './frame-tokens.js';
import { Projector } from './projector.js';
import { checkVisualConfig, framesAtOnce, tokensAcross, type VisualConfig } from './vision-config.js';
import { VisionTower } from './vision-tower.js';

/** The eyes of LLaDA-V: vision tower, projector, pooling, and a token at the end of each row. Names as in LLaVA. */
export class VisualEncoder extends Module {
  readonly tower: VisionTower;
  readonly #projector: Projector;
  readonly #newline;

  /** @throws OptionError for a configuration that cannot be */
  constructor(
    runtime: Runtime,
    readonly config: VisualConfig,
  ) {
    super(runtime);
    const { vision, projector } = checkVisualConfig(config);
    this.tower = this.child('model.vision_tower.vision_tower.vision_model', new VisionTower(runtime, vision));
    this.#projector = this.child('model.mm_projector', new Projector(runtime, vision.width, projector));
    this.#newline = this.parameter(
      'model.image_newline',
      [projector.hidden],
      normalInitial(1 / Math.sqrt(projector.hidden)),
    );
  }

  /** Frames that are looked at together. */
  get framesAtOnce(): number {
    return framesAtOnce(this.config, this.runtime.traits.limits.maxStorageBufferBindingSize);
  }

  /**
   * @param pixels (frames, 3, imageSize, imageSize), colours from −1 to 1: what `videoPixels` makes
   * @param most how many frames to look at together; fewer take less memory
   * @returns (1, frames · `tokensPerFrame`, hidden), frame after frame
   * @throws ShapeError, OptionError unless `most` is a whole number above 0
   */
  forward(pixels: Tensor, most = this.framesAtOnce): Tensor {
    if (!Number.isInteger(most) || most < 1) throw new OptionError(`cannot look at ${most} frames together`);
    return this.runtime.scope(() => {
      const [frames = 0] = pixels.shape;
      const sizes = Array.from({ length: Math.ceil(frames / most) }, (_, i) =>
        Math.min(most, frames - i * most),
      );
      const pooled = split(pixels, 0, sizes).map((part) => this.#pooled(part));
      const tokens = withNewlines(concat(pooled, 0), this.#newline.tensor);
      return tokens.reshape([1, ...tokens.shape]);
    });
  }

  /** (F, 3, imageSize, imageSize) to (F, across, across, hidden). */
  #pooled(pixels: Tensor): Tensor {
    return this.runtime.scope(() =>
      poolFrameTokens(this.#projector.forward(this.tower.forward(pixels)), tokensAcross(this.config)),
    );
  }
}
