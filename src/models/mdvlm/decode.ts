import { MaskedSampler, maskedSequences } from '../../diffusion/masked.js';
import { OptionError } from '../../errors.js';
import { narrow } from '../../ops/slice.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { LanguageConfig } from './language-config.js';
import type { LanguageModel } from './language-model.js';

export interface AnswerSizes {
  /** Tokens to generate; default 128. */
  readonly length?: number;
  /** Tokens of a block, a divisor of `length`. Default: 128 where that divides it, else all. */
  readonly blockLength?: number;
  /** Denoising steps, a multiple of the number of blocks. Default: 128 where that will do, else one a token. */
  readonly steps?: number;
}

export interface GenerateOptions extends AnswerSizes {
  /** Default 0: always the most probable token. */
  readonly temperature?: number;
  /** s in unconditional + (s + 1) (conditional - unconditional); default 0, no guidance. */
  readonly guidanceScale?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Called after each step with the answer so far, masks where there is nothing yet. */
  readonly onStep?: (answer: number[]) => void;
}

/** LLaDA's own defaults for an answer, where they fit its length. */
const usual = 128;

/** The sizes of an answer with LLaDA's defaults where they fit. @throws OptionError */
export function answerSizes({ length = usual, blockLength, steps }: AnswerSizes): Required<AnswerSizes> {
  for (const [name, size] of Object.entries({ length, blockLength, steps })) {
    if (size !== undefined && !(Number.isInteger(size) && size >= 1)) {
      throw new OptionError(`${name} of an answer must be a whole number of at least 1, not ${size}`);
    }
  }
  const block = blockLength ?? (length % usual === 0 ? usual : length);
  const blocks = length / block;
  if (!Number.isInteger(blocks)) {
    throw new OptionError(`an answer of ${length} tokens is no multiple of blocks of ${block}`);
  }
  const all = steps ?? (usual % blocks === 0 && usual < length ? usual : length);
  if (all % blocks !== 0) throw new OptionError(`${all} steps are no multiple of the ${blocks} blocks`);
  return { length, blockLength: block, steps: all };
}

/**
 * LLaDA's decoding of an answer to a prompt of raw ids, with nothing banned and no stop token: block by block, in each
 * step the most certain predictions become tokens (low-confidence remasking). Guidance masks the whole prompt.
 * @param prompt ids, none of them the mask; none at all for an answer without a prompt
 * @returns the answer's ids; the mask is among them where the model chose it
 * @throws OptionError
 */
export async function generateTokens(
  model: LanguageModel,
  prompt: readonly number[],
  { temperature = 0, guidanceScale = 0, seed = 0, onStep, ...sizes }: GenerateOptions = {},
): Promise<number[]> {
  const { length, blockLength, steps } = answerSizes(sizes);
  const first = prompt.length;
  const tokens = maskedPrompt(model, prompt, length);
  const sampler = await MaskedSampler.create(
    model.runtime,
    (ids) => model.lastLayer(narrow(model.forward(model.embed(ids)), 1, first, length)),
    {
      ...{ batch: 1, length: tokens.length, answerLength: length, blockLength, steps },
      ...{ maskId: model.config.maskId, maskAllowed: true, temperature, guidanceScale },
    },
  );
  try {
    const answer = (sequence: Uint32Array) => Array.from(sequence.subarray(first));
    const all = await sampler.decode(tokens, {
      seed,
      ...(onStep && { onStep: (sequence: Uint32Array) => onStep(answer(sequence)) }),
    });
    return answer(all);
  } finally {
    sampler.dispose();
  }
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
  const { runtime, config } = model;
  const tokens = maskedPrompt(model, prompt, answerSizes(sizes).length);
  const hidden = runtime.scope(() =>
    model.forward(model.embed(runtime.tensor(tokens, [1, tokens.length], 'u32'))),
  );
  try {
    const data = new Float32Array(tokens.length * config.vocabulary);
    const rowsAtOnce = Math.floor(runtime.traits.limits.maxStorageBufferBindingSize / 4 / config.vocabulary);
    for (let begin = 0; begin < tokens.length; begin += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, tokens.length - begin);
      const part: Tensor = runtime.scope(() => model.logits(narrow(hidden, 1, begin, rows)));
      data.set(await part.read(), begin * config.vocabulary);
      part.dispose();
    }
    return { shape: [tokens.length, config.vocabulary], data };
  } finally {
    hidden.dispose();
  }
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

/** The prompt with an answer of masks behind it. @throws OptionError */
function maskedPrompt({ config }: LanguageModel, prompt: readonly number[], length: number): Uint32Array {
  checkPrompt(config, prompt, length);
  const { maskId } = config;
  return maskedSequences([prompt], length, { maskId, padId: maskId }).tokens;
}
