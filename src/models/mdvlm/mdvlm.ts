import type { LastLayer } from '../../diffusion/masked.js';
import { Module } from '../../nn/module.js';
import { concat } from '../../ops/concat.js';
import { fill } from '../../ops/fill.js';
import { narrow, split } from '../../ops/slice.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Grounding } from './grounding.js';
import { behind } from './key-value-cache.js';
import type { LanguageModel, Prefix } from './language-model.js';

/** What looks at videos: `VisualEncoder`, `SignalEyes`. */
export interface Eyes extends Module {
  /** Videos to visual tokens (B, T, D). */
  forward(video: Tensor): Tensor;
}

/** What stands before answers. */
export interface PromptTokens {
  /** u32 (B, 1 + Q): the first token, then the question. */
  readonly ids: Tensor;
  /** u32 (B, 1 + T + Q): 0 where the prompt, with the visual tokens behind its first one, is padding. */
  readonly keyMask: Tensor;
}

/** A prompt ready for the language model: its embeddings where it sees the answer, else what the answer sees of it. */
export type Prompt = {
  /** u32 (B, P). */
  readonly keyMask: Tensor;
} & (
  | {
      /** f32 (B, P, D). */
      readonly embeddings: Tensor;
    }
  | Prefix
);

/**
 * How answers come about:
 * - `diffusion` sees all positions from everywhere, masks where nothing is said yet (LLaDA-V),
 * - `prefix-diffusion` sees the whole answer too, but the prompt sees only itself and is gone through once (LaViDa),
 * - `autoregressive` says each token from those before it.
 */
export const answerOrders = ['diffusion', 'prefix-diffusion', 'autoregressive'] as const;
export type AnswerOrder = (typeof answerOrders)[number];

/** A masked diffusion vision-language model: visual tokens and a question in front of the answer. */
export class Mdvlm<Sight extends Eyes = Eyes> extends Module {
  /**
   * @param eyes and language are the model's own, under `eyes.` and the language model's own names
   * @param grounding for the training of a model whose prompt sees only itself
   */
  constructor(
    readonly eyes: Sight,
    readonly language: LanguageModel,
    readonly order: AnswerOrder = 'diffusion',
    readonly grounding?: Grounding,
  ) {
    super(language.runtime);
    this.child('eyes', eyes);
    this.inline(language);
    if (grounding) this.child('grounding', grounding);
  }

  /** The prompt of B videos and questions. @param visual (B, T, D), of the eyes */
  prompt(visual: Tensor, { ids, keyMask }: PromptTokens): Prompt {
    return this.runtime.scope(() => {
      const question = ids.shape[1]! - 1;
      const words = this.language.embed(ids);
      const [first, rest] = question > 0 ? split(words, 1, [1, question]) : [words];
      const embeddings = concat(rest ? [first!, visual, rest] : [first!, visual], 1);
      if (this.order === 'diffusion') return { embeddings, keyMask };
      return { ...this.language.prefix(embeddings, { keyMask }), keyMask };
    });
  }

  /**
   * The last layer behind answers u32 (R, N), its hidden states (R, N, D): position i is that of token i, whatever the
   * order. R is a multiple of B; answer r belongs to prompt r mod B.
   */
  answer(prompt: Prompt, answers: Tensor): LastLayer {
    return this.runtime.scope(() => {
      const [rows, length] = answers.shape as [number, number];
      const repeated = (x: Tensor) => {
        const times = rows / x.shape[0]!;
        return times === 1 ? x : concat(Array<Tensor>(times).fill(x), 0);
      };
      const autoregressive = this.order === 'autoregressive';
      const words = this.language.embed(autoregressive ? this.#shifted(answers) : answers);
      const keyMask = concat([repeated(prompt.keyMask), fill(this.runtime, answers.shape, 1, 'u32')], 1);
      const before = prompt.keyMask.shape[1]!;
      if ('embeddings' in prompt) {
        const hidden = this.language.forward(concat([repeated(prompt.embeddings), words], 1), { keyMask });
        return this.language.lastLayer(narrow(hidden, 1, before, length));
      }
      const hidden = this.language.forward(words, {
        keyMask,
        others: behind(
          prompt.layers.map(({ key, value }) => ({ key: repeated(key), value: repeated(value) })),
        ),
        ...(autoregressive && { mask: { kind: 'causal' } }),
      });
      return this.language.lastLayer(hidden);
    });
  }

  /** Each token in the place of the one after it; in the first stands the mask. */
  #shifted(answers: Tensor): Tensor {
    const [rows, length] = answers.shape as [number, number];
    const start = fill(this.runtime, [rows, 1], this.language.config.maskId, 'u32');
    return length === 1 ? start : concat([start, narrow(answers, 1, 0, length - 1)], 1);
  }

  override dispose(): void {
    this.eyes.dispose();
    this.language.dispose();
    this.grounding?.dispose();
  }
}
