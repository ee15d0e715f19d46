import {
  checkArguments,
  either,
  instanceOf,
  integer,
  listOf,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  rule,
} from '../../arguments.js';
import type { LastLayer } from '../../diffusion/token-logits.js';
import { OptionError, ShapeError } from '../../errors.js';
import { Module } from '../../nn/module.js';
import { concat } from '../../ops/array/concat.js';
import { fill } from '../../ops/array/fill.js';
import { narrow } from '../../ops/array/slice.js';
import type { Tensor } from '../../tensor/tensor.js';
import { anyTensor } from '../../tensor/tensor.js';
import { answerStates } from './decoding/answer-states.js';
import { afterPrefix, keysAndValuesRule } from './language/key-value-cache.js';
import { LanguageModel, type Prefix } from './language/language-model.js';
import { Grounding } from './signal/grounding.js';

/** Turns what is seen into visual tokens: `VisualEncoder` (frames), `SignalEncoder` (recordings). */
export interface VisualTokenEncoder extends Module {
  /** Videos, or the frames of one, to visual tokens (B, T, D). */
  forward(video: Tensor): Tensor;
}

/** What stands before answers, around the visual tokens. */
export interface PromptTokens {
  /** u32 (B, Q). */
  readonly ids: Tensor;
  /** How many of the ids stand before the visual tokens. */
  readonly visualAt: number;
  /** u32 (B, Q + T): 0 where the prompt, with the visual tokens in their place, is padding; absent where none is. */
  readonly keyMask?: Tensor | undefined;
}

const promptTokensRule: Rule<PromptTokens> = objectWith<PromptTokens>({
  ids: anyTensor,
  visualAt: integer(0),
  keyMask: optional(anyTensor),
});

/** A prompt ready for the language model: its embeddings where it sees the answer, else what the answer sees of it. */
export type Prompt = {
  /** u32 (B, P), as that of the tokens. */
  readonly keyMask?: Tensor | undefined;
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

const encoderRule: Rule<VisualTokenEncoder> = rule(
  'a module with forward, such as a VisualEncoder',
  (value) => value instanceof Module && 'forward' in value && typeof value.forward === 'function',
);

const keyMask = optional(anyTensor);
const embeddedPrompt: Rule<Prompt> = onlyFields({ embeddings: anyTensor, keyMask });
const prefixPrompt: Rule<Prompt> = onlyFields({
  layers: listOf(keysAndValuesRule),
  states: anyTensor,
  keyMask,
});

/** A prompt with embeddings is one that sees the answer. */
const promptRule: Rule<Prompt> = {
  ...either(embeddedPrompt, prefixPrompt),
  fault: (name, value) =>
    ('embeddings' in Object(value) ? embeddedPrompt : prefixPrompt).fault?.(name, value),
};

/** A masked diffusion vision-language model: visual tokens and a question in front of the answer. */
export class Mdvlm<Encoder extends VisualTokenEncoder = VisualTokenEncoder> extends Module {
  /**
   * @param encoder and `language` become the model's own, under `encoder.` and the language model's own names
   * @param grounding for the training of a model whose prompt sees only itself
   * @throws OptionError
   */
  constructor(
    readonly encoder: Encoder,
    readonly language: LanguageModel,
    readonly order: AnswerOrder = 'diffusion',
    readonly grounding?: Grounding,
  ) {
    checkArguments(
      'Mdvlm',
      { encoder, language, order, grounding },
      {
        encoder: encoderRule,
        language: instanceOf(LanguageModel, 'a LanguageModel'),
        order: oneOf(...answerOrders),
        grounding: optional(instanceOf(Grounding)),
      },
    );
    super(language.runtime);
    this.child('encoder', encoder);
    this.inline(language);
    if (grounding) this.child('grounding', grounding);
  }

  /**
   * The embeddings f32 (B, P, D) of B videos and questions.
   * @param visual (B, T, D), of the vision encoder
   * @throws ShapeError, DtypeError; OptionError where `visualAt` is no place among the ids
   */
  embed(visual: Tensor, tokens: PromptTokens): Tensor {
    checkArguments('Mdvlm.embed', { visual, tokens }, { visual: anyTensor, tokens: promptTokensRule });
    return this.runtime.scope(() => concat(this.embedded(visual, tokens), 1));
  }

  /** The same in parts along P, of which one is `visual` itself. @throws as `embed` */
  embedded(visual: Tensor, tokens: PromptTokens): Tensor[] {
    checkArguments('Mdvlm.embedded', { visual, tokens }, { visual: anyTensor, tokens: promptTokensRule });
    const { ids, visualAt } = tokens;
    const count = ids.shape[1] ?? 0;
    if (visualAt > count) {
      throw new OptionError(`Mdvlm: visualAt must be at most the number of ids, ${count}, not ${visualAt}`);
    }
    return this.runtime.scope(() => {
      const words = this.language.embed(ids);
      const before = visualAt > 0 ? [narrow(words, 1, 0, visualAt)] : [];
      const rest = visualAt < count ? [narrow(words, 1, visualAt, count - visualAt)] : [];
      return [...before, visual, ...rest];
    });
  }

  /** The prompt of B videos and questions. @throws as `embed` */
  prompt(visual: Tensor, tokens: PromptTokens): Prompt {
    checkArguments('Mdvlm.prompt', { visual, tokens }, { visual: anyTensor, tokens: promptTokensRule });
    const { keyMask } = tokens;
    return this.runtime.scope(() => {
      const embeddings = this.embed(visual, tokens);
      if (this.order === 'diffusion') return { embeddings, keyMask };
      return { ...this.language.prefix(embeddings, keyMask && { keyMask }), keyMask };
    });
  }

  /**
   * The last layer of answers u32 (R, N), its hidden states (R, N, D): position i is that of token i, whatever the
   * order. R is a multiple of B; answer r belongs to prompt r mod B.
   * @throws OptionError, ShapeError, DtypeError
   */
  answer(prompt: Prompt, answers: Tensor): LastLayer {
    checkArguments('Mdvlm.answer', { prompt, answers }, { prompt: promptRule, answers: anyTensor });
    const layers = 'layers' in prompt ? prompt.layers : undefined;
    const wanted = this.language.config.layers;
    if (layers && layers.length !== wanted) {
      throw new OptionError(
        `Mdvlm.answer: prompt.layers must be as many as the language model has, ${wanted}, not ${layers.length}`,
      );
    }
    return this.runtime.scope(() => {
      const [rows = 0] = answers.shape;
      const repeated = (x: Tensor) => {
        const times = rows / (x.shape[0] ?? 0);
        if (!Number.isInteger(times)) {
          throw new ShapeError(
            `Mdvlm.answer: answers has ${rows} rows, no multiple of the prompt's ${x.shape[0]}`,
          );
        }
        return times === 1 ? x : concat(Array<Tensor>(times).fill(x), 0);
      };
      const autoregressive = this.order === 'autoregressive';
      const ids = autoregressive ? this.#shifted(answers) : answers;
      const keyMask =
        prompt.keyMask && concat([repeated(prompt.keyMask), fill(this.runtime, answers.shape, 1, 'u32')], 1);
      const before = 'embeddings' in prompt ? [repeated(prompt.embeddings)] : [];
      const states = answerStates(this.language, before, ids, {
        ...(keyMask && { keyMask }),
        ...(layers && {
          others: afterPrefix(
            layers.map(({ key, value }) => ({ key: repeated(key), value: repeated(value) })),
          ),
        }),
        ...(autoregressive && { mask: { kind: 'causal' } }),
      });
      return this.language.lastLayer(states);
    });
  }

  /** Each token in the place of the one after it; in the first stands the mask. */
  #shifted(answers: Tensor): Tensor {
    const [rows, length] = answers.shape as [number, number];
    const start = fill(this.runtime, [rows, 1], this.language.config.maskId, 'u32');
    return length === 1 ? start : concat([start, narrow(answers, 1, 0, length - 1)], 1);
  }
}
