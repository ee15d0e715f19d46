import type { LastLayer } from '../../diffusion/masked.js';
import { Module } from '../../nn/module.js';
import type { AttentionMask } from '../../ops/attention-problem.js';
import { concat } from '../../ops/concat.js';
import { fill } from '../../ops/fill.js';
import { narrow, split } from '../../ops/slice.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { LanguageModel } from './language-model.js';

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

/** A prompt ready for the language model. */
export interface Prompt {
  /** f32 (B, P, D). */
  readonly embeddings: Tensor;
  /** u32 (B, P). */
  readonly keyMask: Tensor;
}

/**
 * How answers come about: `diffusion` sees all positions from everywhere, masks where nothing is said yet;
 * `autoregressive` says each token from those before it.
 */
export type AnswerOrder = 'diffusion' | 'autoregressive';

/** A masked diffusion vision-language model: visual tokens and a question in front of the answer. */
export class Mdvlm<Sight extends Eyes = Eyes> extends Module {
  /** @param eyes and language are the model's own, under `eyes.` and the language model's own names */
  constructor(
    readonly eyes: Sight,
    readonly language: LanguageModel,
    readonly order: AnswerOrder = 'diffusion',
  ) {
    super(language.runtime);
    this.child('eyes', eyes);
    this.inline(language);
  }

  /** The prompt of B videos and questions. @param visual (B, T, D), of the eyes */
  prompt(visual: Tensor, { ids, keyMask }: PromptTokens): Prompt {
    return this.runtime.scope(() => {
      const question = ids.shape[1]! - 1;
      const words = this.language.embed(ids);
      const [first, rest] = question > 0 ? split(words, 1, [1, question]) : [words];
      return { embeddings: concat(rest ? [first!, visual, rest] : [first!, visual], 1), keyMask };
    });
  }

  /**
   * The last layer behind answers u32 (R, N), its hidden states (R, N, D): position i is that of token i, whatever the
   * order. R is a multiple of B; answer r belongs to prompt r mod B.
   */
  answer({ embeddings, keyMask }: Prompt, answers: Tensor): LastLayer {
    return this.runtime.scope(() => {
      const [rows, length] = answers.shape as [number, number];
      const before = embeddings.shape[1]!;
      const repeated = (x: Tensor) => {
        const times = rows / x.shape[0]!;
        return times === 1 ? x : concat(Array<Tensor>(times).fill(x), 0);
      };
      const autoregressive = this.order === 'autoregressive';
      const words = this.language.embed(autoregressive ? this.#shifted(answers) : answers);
      const hidden = this.language.forward(concat([repeated(embeddings), words], 1), {
        keyMask: concat([repeated(keyMask), fill(this.runtime, answers.shape, 1, 'u32')], 1),
        ...(autoregressive && { mask: this.#causal(rows, before, length) }),
      });
      return this.language.lastLayer(narrow(hidden, 1, before, length));
    });
  }

  /** Each token in the place of the one after it; in the first stands the mask. */
  #shifted(answers: Tensor): Tensor {
    const [rows, length] = answers.shape as [number, number];
    const start = fill(this.runtime, [rows, 1], this.language.config.maskId, 'u32');
    return length === 1 ? start : concat([start, narrow(answers, 1, 0, length - 1)], 1);
  }

  /** The prompt sees itself, a position of the answer the prompt and what is not behind it. */
  #causal(rows: number, before: number, length: number): AttentionMask {
    const turns = Uint32Array.from({ length: rows * (before + length) }, (_, i) =>
      Math.max(0, (i % (before + length)) - before + 1),
    );
    return { kind: 'turns', turns: this.runtime.tensor(turns, [rows, before + length], 'u32') };
  }

  override dispose(): void {
    this.eyes.dispose();
    this.language.dispose();
  }
}
