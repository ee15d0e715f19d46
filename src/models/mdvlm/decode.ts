import {
  MaskedSampler,
  type MaskedSamplerOptions,
  maskedSequences,
  type TokenLogits,
} from '../../diffusion/masked.js';
import { lateStep, revisionFractions } from '../../diffusion/unmasking.js';
import { OptionError } from '../../errors.js';
import { allTokensBut, tokenSet } from '../../ops/decoding.js';
import { narrow } from '../../ops/slice.js';
import type { Tensor } from '../../tensor/tensor.js';
import { CachedLogits, type CacheKind } from './cached-logits.js';
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

/** What may stray from LLaDA's own decoding. With any of it the mask is never chosen, and so no position left to it. */
export interface StrayingOptions {
  /** Commit also every token that the model gives at least this probability, and stop when all are there. */
  readonly threshold?: number;
  /** Share of the tokens that the first step may mask again, falling to 0 (`revisionFractions`). */
  readonly revise?: number;
  /** Ids that are committed in the last share ρ of the steps only: the planned order of MDVLM-TAL's times. */
  readonly late?: { readonly ids: Iterable<number>; readonly rho: number };
  /** Ids that are never chosen. */
  readonly banned?: Iterable<number>;
  /** Stop when all before the first token of this id is there; what is behind it may stay masked. */
  readonly stopId?: number;
}

export interface GenerateOptions extends AnswerSizes, StrayingOptions {
  /** Default 0: always the most probable token. */
  readonly temperature?: number;
  /** s in unconditional + (s + 1) (conditional - unconditional); default 0, no guidance. */
  readonly guidanceScale?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Keep keys and values between steps; default `none`. */
  readonly cache?: 'none' | CacheKind;
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
 * LLaDA's decoding of an answer to a prompt of raw ids, block by block, in each step the most certain predictions become
 * tokens (low-confidence remasking). Without any of `StrayingOptions` nothing is banned, and no token stops it. Guidance
 * masks the whole prompt.
 * @param prompt ids, none of them the mask; none at all for an answer without a prompt
 * @returns the answer's ids; the mask is among them where the model chose it, or behind a stop token
 * @throws OptionError
 */
export async function generateTokens(
  model: LanguageModel,
  prompt: readonly number[],
  options: GenerateOptions = {},
): Promise<number[]> {
  const { temperature = 0, guidanceScale = 0, seed = 0, cache = 'none', onStep } = options;
  const sizes = answerSizes(options);
  const { length, blockLength, steps } = sizes;
  const before = prompt.length;
  const tokens = maskedPrompt(model, prompt, length);
  checkCache(cache, options, length / blockLength);
  const straying = strayingOptions(model, options, steps);
  const logits: CachedLogits | TokenLogits =
    cache === 'none'
      ? (ids) => model.lastLayer(narrow(model.forward(model.embed(ids)), 1, before, length))
      : new CachedLogits(
          model,
          cache,
          {
            ...{ batch: 1, before, answerLength: length, blockLength },
            embeddings: (ids, _, begin, end) => model.embed(narrow(ids, 1, begin, end - begin)),
          },
          guidanceScale > 0 ? ['conditional', 'unconditional'] : ['conditional'],
        );
  let sampler: MaskedSampler | undefined;
  try {
    sampler = await MaskedSampler.create(model.runtime, logits, {
      ...{ batch: 1, length: tokens.length, answerLength: length, blockLength, steps },
      ...{ maskId: model.config.maskId, temperature, guidanceScale, ...straying },
    });
    const answer = (sequence: Uint32Array) => Array.from(sequence.subarray(before));
    const all = await sampler.decode(tokens, {
      seed,
      ...(onStep && { onStep: (sequence: Uint32Array) => onStep(answer(sequence)) }),
    });
    return answer(all);
  } finally {
    sampler?.dispose();
    if (logits instanceof CachedLogits) logits.dispose();
    for (const tensor of [straying.allowed, straying.late?.ids]) tensor?.dispose();
  }
}

/** @throws OptionError where tokens of earlier blocks would change unseen */
function checkCache(cache: 'none' | CacheKind, { revise = 0 }: StrayingOptions, blocks: number): void {
  if (revise > 0 && blocks > 1 && (cache === 'block' || cache === 'dual')) {
    throw new OptionError(
      `a ${cache} cache keeps what earlier blocks were, so nothing in them can be revised: use one block`,
    );
  }
}

/** The sampler's options; their tensors are the caller's. @throws OptionError */
function strayingOptions(
  { runtime, config }: LanguageModel,
  { threshold, revise = 0, late, banned, stopId }: StrayingOptions,
  steps: number,
): Partial<MaskedSamplerOptions> {
  if (threshold === undefined && revise === 0 && !late && !banned && stopId === undefined) {
    return { maskAllowed: true };
  }
  const { vocabulary } = config;
  const revision = revise > 0 ? { fractions: revisionFractions(steps, revise) } : undefined;
  const from = late && lateStep(steps, late.rho);
  // Both sets are checked before either becomes a tensor.
  const sets = [banned && allTokensBut(vocabulary, banned), late && tokenSet(vocabulary, late.ids)];
  const [allowed, ids] = runtime.detached(() =>
    sets.map((set) => set && runtime.tensor(set, undefined, 'u32')),
  );
  return {
    ...(threshold !== undefined && { threshold }),
    ...(revision && { revision }),
    ...(ids && { late: { ids, from: from! } }),
    ...(allowed && { allowed }),
    ...(stopId !== undefined && { stopId }),
  };
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
