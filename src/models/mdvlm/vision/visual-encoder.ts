import { checkArgument, checkArguments, checkFields, integer } from '../../../arguments.js';
import { normalInitial } from '../../../nn/initial.js';
import { LinearFactory } from '../../../nn/linear-factory.js';
import { Module } from '../../../nn/module.js';
import { concat } from '../../../ops/array/concat.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import { poolFrameTokens, withNewlines } from './frame-tokens.js';
import { Projector } from './projector.js';
import {
  checkVisualConfig,
  framesAtOnce,
  tokensAcross,
  type VisualConfig,
  type VisualOptions,
  visualOptionRules,
  visualStorage,
} from './vision-config.js';
import { VisionTower } from './vision-tower.js';

/**
 * The vision encoder of LLaDA-V: vision tower, projector, pooling, and a token at the end of each row. Names as in LLaVA. The
 * projector keeps its matrices as the tower does; the tokens are f32.
 */
export class VisualEncoder extends Module {
  readonly tower: VisionTower;
  readonly #projector: Projector;
  readonly #newline;

  /** @throws OptionError for a configuration that cannot be */
  constructor(
    runtime: Runtime,
    readonly config: VisualConfig,
    options: VisualOptions = {},
  ) {
    checkArgument('VisualEncoder', 'runtime', runtime, anyRuntime);
    const { vision, projector } = checkVisualConfig(config);
    checkFields('VisualEncoder', options, visualOptionRules);
    super(runtime);
    const { weights = 'f32' } = options;
    const tower = new VisionTower(runtime, vision, { weights });
    this.tower = this.child('model.vision_tower.vision_tower.vision_model', tower);
    const linears = new LinearFactory(runtime, visualStorage(weights));
    this.#projector = this.child('model.mm_projector', new Projector(linears, vision.width, projector));
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
   * @throws ShapeError, OptionError unless `most` is an integer of at least 1
   */
  forward(pixels: Tensor, most = this.framesAtOnce): Tensor {
    checkArguments('VisualEncoder.forward', { pixels, most }, { pixels: anyTensor, most: integer(1) });
    return this.runtime.scope(() => {
      const [frames = 0] = pixels.shape;
      const tokens: Tensor[] = [];
      for (let first = 0; first < frames; first += most) {
        tokens.push(this.#tokens(pixels, first, Math.min(most, frames - first)));
      }
      return concat(tokens, 0).reshape([1, -1, this.config.projector.hidden]);
    });
  }

  /** The tokens of some frames, (count · `tokensPerFrame`, hidden). */
  #tokens(pixels: Tensor, first: number, count: number): Tensor {
    const { runtime, config } = this;
    return runtime.scope(() => {
      const projected = runtime.scope(() =>
        this.#projector.forward(this.tower.forward(narrow(pixels, 0, first, count))),
      );
      return withNewlines(poolFrameTokens(projected, tokensAcross(config)), this.#newline.tensor);
    });
  }
}
