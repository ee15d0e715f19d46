import {
  callback,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  optional,
  type Rules,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { LanguageConfig } from '../language/language-config.js';
import { LanguageModel } from '../language/language-model.js';
import { decodeAnswer } from './decode-answer.js';
import {
  type AnswerSizes,
  answerSizes,
  type DecodingOptions,
  decodingRules,
  sizeRules,
  type TokenRules,
  tokenRules,
} from './decoding-options.js';

export interface GenerateOptions extends DecodingOptions, TokenRules {
  /** Called after each step with the answer so far, masks where nothing is committed yet. */
  readonly onStep?: (answer: number[]) => void;
}

const generateRules: Rules<GenerateOptions> = {
  ...decodingRules,
  ...tokenRules,
  onStep: optional(callback),
};

const promptRules = { model: instanceOf(LanguageModel, 'a LanguageModel'), prompt: listOf(integer(0)) };

/**
 * The answer to a prompt of raw ids (`decodeAnswer`).
 * @param prompt ids, none of them the mask; none at all for an answer without a prompt
 * @returns the answer's ids; the mask is among them where the model chose it, or after a stop token
 * @throws OptionError
 */
export async function generateTokens(
  model: LanguageModel,
  prompt: readonly number[],
  generation: GenerateOptions = {},
): Promise<number[]> {
  checkArguments('generateTokens', { model, prompt }, promptRules);
  checkFields('generateTokens', generation, generateRules);
  const { onStep, ...options } = generation;
  checkPrompt(model.config, prompt, answerSizes(options).length);
  const before = prompt.length > 0 ? [embedIds(model, prompt)] : [];
  using _ = before[0];
  const watch = onStep && ((answer: Uint32Array) => onStep(Array.from(answer)));
  return Array.from((await decodeAnswer(model, before, options, watch)).ids);
}

/**
 * The logits that the first step of `generateTokens` sees, without guidance: f32 (prompt + length, V) for the prompt
 * and an answer of masks.
 * @throws OptionError
 */
export async function firstLogits(
  model: LanguageModel,
  prompt: readonly number[],
  sizes: AnswerSizes = {},
): Promise<{ readonly shape: readonly [number, number]; readonly data: Float32Array<ArrayBuffer> }> {
  checkArguments('firstLogits', { model, prompt }, promptRules);
  checkFields('firstLogits', sizes, sizeRules);
  const { runtime, config } = model;
  const { length } = answerSizes(sizes);
  checkPrompt(config, prompt, length);
  const tokens = [...prompt, ...Array<number>(length).fill(config.maskId)];
  using embedded = embedIds(model, tokens);
  using hidden = runtime.detached(() => model.forward(embedded));
  const data = new Float32Array(tokens.length * config.vocabulary);
  const rowsAtOnce = Math.floor(runtime.traits.limits.maxStorageBufferBindingSize / 4 / config.vocabulary);
  for (let begin = 0; begin < tokens.length; begin += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, tokens.length - begin);
    using part = runtime.detached(() => runtime.scope(() => model.logits(narrow(hidden, 1, begin, rows))));
    data.set(await part.read(), begin * config.vocabulary);
  }
  return { shape: [tokens.length, config.vocabulary], data };
}

/** Whether a model can answer such a prompt in that length. @throws OptionError */
export function checkPrompt(
  { vocabulary, maskId, maxPositions }: LanguageConfig,
  prompt: readonly number[],
  length: number,
): void {
  prompt.forEach((id, i) => {
    if (!Number.isInteger(id) || id < 0 || id >= vocabulary) {
      throw new OptionError(`id ${i} of the prompt, ${id}, is not in the vocabulary of ${vocabulary} tokens`);
    }
    if (id === maskId)
      throw new OptionError(`id ${i} of the prompt is the mask, ${id}: only answers have masks`);
  });
  if (prompt.length + length > maxPositions) {
    throw new OptionError(
      `a prompt of ${prompt.length} and an answer of ${length} are over the model's ${maxPositions} positions`,
    );
  }
}

/** Ids to f32 (1, P, D), outside of all scopes. */
function embedIds(model: LanguageModel, ids: readonly number[]): Tensor {
  const { runtime } = model;
  return runtime.detached(() =>
    runtime.scope(() => model.embed(runtime.tensor(ids, [1, ids.length], 'u32'))),
  );
}
