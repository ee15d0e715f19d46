import type { LastLayer } from '../../../diffusion/token-logits.js';
import type { StoredWeight } from '../../../nn/stored-weight.js';
import type { WeightStorage } from '../../../nn/weight-storage.js';
import { concat } from '../../../ops/array/concat.js';
import { linear } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { AnswerDecoder } from '../decoding/answer-decoder.js';
import { AnswerLogits } from '../decoding/answer-logits.js';
import { LanguageModel } from '../language/language-model.js';
import { framesAtOnce, tokensPerFrame } from '../vision/vision-config.js';
import { VisualEncoder } from '../vision/visual-encoder.js';
import { type PlannedModel, positionsOf, type StepSizes } from './planned-model.js';

export const weightParts = [
  'embedding',
  'linear layers',
  'norms',
  'vocabulary matrix',
  'vision tower',
  'projector',
] as const;

export type WeightPart = (typeof weightParts)[number];

export interface PlannedWeight {
  readonly part: WeightPart;
  readonly name: string;
  readonly weight: StoredWeight;
}

/**
 * A model and all that a denoising step of it works on, without elements: on a device that runs nothing it takes no
 * memory, and what it does there is what it does on any.
 */
export class PlannedStep {
  readonly language: LanguageModel;
  readonly encoder: VisualEncoder | undefined;

  /** @throws OptionError */
  constructor(
    readonly runtime: Runtime,
    readonly model: PlannedModel,
    readonly sizes: StepSizes,
    weights: WeightStorage,
  ) {
    positionsOf(model, sizes);
    this.language = new LanguageModel(runtime, model.language, { weights });
    this.encoder = model.visual && new VisualEncoder(runtime, model.visual, { weights });
  }

  weights(): PlannedWeight[] {
    const named = [...this.language.storedWeights(), ...(this.encoder?.storedWeights() ?? [])];
    return named.map(([name, weight]) => ({ part: partOf(name), name, weight }));
  }

  /**
   * What turns the frames into visual tokens, as `watchVideo` does once the frames are resampled.
   * @param bindingBytes that the device can bind
   */
  watch(bindingBytes: number): Tensor | undefined {
    const { runtime, encoder, sizes, model } = this;
    if (!encoder || sizes.frames === 0) return undefined;
    const { imageSize } = model.visual!.vision;
    return runtime.scope(() => {
      const squares = Array.from({ length: sizes.frames }, () => runtime.empty([1, 3, imageSize, imageSize]));
      const pixels = concat(squares, 0);
      for (const square of squares) square.dispose();
      return encoder.forward(pixels, framesAtOnce(model.visual!, bindingBytes));
    });
  }

  /** What decodes the answer in `decodeAnswer`: one step is recorded. */
  async decoder(): Promise<AnswerDecoder> {
    const length = this.sizes.answer;
    return await AnswerDecoder.create(this.language, this.#logits(), { batch: 1, length, steps: length });
  }

  /** The forward pass of a step, up to the last layer, which is not run yet. */
  forward(): LastLayer {
    const { runtime, sizes } = this;
    return runtime.scope(() => {
      const answers = runtime.empty([1, sizes.answer], 'u32');
      return this.#logits().logits(answers, 'conditional');
    });
  }

  /** The last layer, multiplied. */
  lastLayer({ hidden: input, weight }: LastLayer): Tensor {
    return linear({ input, weight }, { outDtype: 'f32' });
  }

  #logits(): AnswerLogits {
    const { runtime, model, sizes, language } = this;
    const { hidden } = model.language;
    const rows = (count: number) => (count > 0 ? [runtime.empty([1, count, hidden])] : []);
    const seen = model.visual ? sizes.frames * tokensPerFrame(model.visual) : 0;
    return new AnswerLogits(
      language,
      'none',
      {
        batch: 1,
        prompt: [...rows(seen), ...rows(sizes.prompt)],
        answerLength: sizes.answer,
        blockLength: sizes.answer,
      },
      ['conditional'],
    );
  }
}

function partOf(name: string): WeightPart {
  if (/mm_projector|image_newline/.test(name)) return 'projector';
  if (/vision_tower/.test(name)) return 'vision tower';
  if (/embed_tokens/.test(name)) return 'embedding';
  if (/lm_head/.test(name)) return 'vocabulary matrix';
  return /norm/.test(name) ? 'norms' : 'linear layers';
}
