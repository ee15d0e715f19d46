import { type Abortable, abortRules } from '../../../abort.js';
import {
  callback,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  numberIn,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
  rule,
  uint32,
} from '../../../arguments.js';
import { MaskedSampler } from '../../../diffusion/masked.js';
import type { MaskedSamplerOptions } from '../../../diffusion/masked-options.js';
import { lateStep, revisionFractions, rhoRule } from '../../../diffusion/unmasking.js';
import { OptionError } from '../../../errors.js';
import { allTokensBut, tokenSet } from '../../../ops/sampling/decoding.js';
import { given } from '../../../tensor/given.js';
import { anyTensor, type Tensor, tensorsIn } from '../../../tensor/tensor.js';
import type { LanguageConfig } from '../language/language-config.js';
import { LanguageModel } from '../language/language-model.js';
import { TimeTokens } from '../time-tokens.js';
import { AnswerLogits, type CacheKind, cacheKinds } from './answer-logits.js';

export interface AnswerSizes {
  /** Tokens to generate; default 128. */
  readonly length?: number;
  /** Tokens of a block, a divisor of `length`. Default: 128 where that divides it, else all. */
  readonly blockLength?: number;
  /** Denoising steps, a multiple of the number of blocks. Default: 128 where that will do, else one a token. */
  readonly steps?: number;
}

/** How an answer is decoded, whatever it is about. */
export interface DecodingOptions extends AnswerSizes, Abortable {
  /** Default 0: always the most probable token. */
  readonly temperature?: number;
  /** s in unconditional + (s + 1) (conditional - unconditional); default 0, no guidance. */
  readonly guidanceScale?: number;
  /** Of the draws at a temperature above 0; default 0. */
  readonly seed?: number;
  /** Keep keys and values between steps; default `none`. */
  readonly cache?: CacheKind;
  /** Commit also every token that the model gives at least this probability, and stop when all are committed. */
  readonly threshold?: number;
  /** Share of the tokens that the first step may mask again, falling to 0 (`revisionFractions`). */
  readonly revise?: number;
}

/** Which tokens may stand where, and when. */
export interface TokenRules {
  /** Ids that are committed in the last share ρ of the steps only: the planned order of MDVLM-TAL's times. */
  readonly late?: { readonly ids: Iterable<number>; readonly rho: number };
  /** Ids that are never chosen. */
  readonly banned?: Iterable<number>;
  /** Stop when all before the first token of this id is committed; what is masked after it stays so (LLaDA-V). */
  readonly stopId?: number;
  /** The answer begins with two of these, the earlier one first, chosen together. */
  readonly span?: TimeTokens;
}

export const sizeRules: Rules<AnswerSizes> = {
  length: optional(integer(1)),
  blockLength: optional(integer(1)),
  steps: optional(integer(1)),
};

export const decodingRules: Rules<DecodingOptions> = {
  ...sizeRules,
  temperature: optional(numberIn(0)),
  guidanceScale: optional(numberIn(0)),
  seed: optional(integer(0)),
  cache: optional(oneOf(...cacheKinds)),
  threshold: optional(numberIn(0, 1)),
  revise: optional(numberIn(0, 1)),
  ...abortRules,
};

/** Ids of tokens, in an array or whatever else has them one after another. */
const idsRule: Rule<Iterable<number>> = rule(
  'an iterable of ids, integers of at least 0',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Symbol.iterator in value &&
    Array.from(value as Iterable<unknown>).every(uint32.accepts),
);

export const tokenRules: Rules<TokenRules> = {
  late: optional(onlyFields<NonNullable<TokenRules['late']>>({ ids: idsRule, rho: rhoRule })),
  banned: optional(idsRule),
  stopId: optional(uint32),
  span: optional(instanceOf(TimeTokens, 'a TimeTokens')),
};

/** An answer as it was decoded. */
export interface DecodedAnswer {
  /** The mask is among them where the model chose it, or after a stop token. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** Of each token, as the model gave it when it committed the token. */
  readonly probabilities: Float32Array<ArrayBuffer>;
}

/** LLaDA's own defaults for an answer, where they fit its length. */
const usual = 128;

/** The sizes of an answer with LLaDA's defaults where they fit. @throws OptionError */
export function answerSizes(sizes: AnswerSizes): Required<AnswerSizes> {
  const { length = usual, blockLength, steps } = sizes;
  checkArguments('answerSizes', { length, blockLength, steps }, sizeRules);
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
 * LLaDA's decoding of one answer, block by block, in each step the most certain predictions become tokens
 * (low-confidence remasking). Without a threshold, revision and any rule nothing is banned, not even the mask. Guidance
 * masks the whole prompt.
 * @param prompt embeddings f32 (1, P, D), in parts along P; none for an answer without a prompt
 * @param onStep called after each step with the answer so far, masks where nothing is committed yet, and the steps done
 * @throws OptionError
 */
export async function decodeAnswer(
  model: LanguageModel,
  prompt: readonly Tensor[],
  options: DecodingOptions & TokenRules = {},
  onStep?: (answer: Uint32Array, done: number) => void,
): Promise<DecodedAnswer> {
  checkArguments(
    'decodeAnswer',
    { model, prompt, onStep },
    {
      model: instanceOf(LanguageModel, 'a LanguageModel'),
      prompt: listOf(anyTensor),
      onStep: optional(callback),
    },
  );
  checkFields<DecodingOptions & TokenRules>('decodeAnswer', options, { ...decodingRules, ...tokenRules });
  const { temperature = 0, guidanceScale = 0, seed = 0, cache = 'none' } = options;
  const signal = given({ signal: options.signal });
  signal.signal?.throwIfAborted();
  const { length, blockLength, steps } = answerSizes(options);
  const { maskId } = model.config;
  checkCache(cache, options, length / blockLength);
  const straying = strayingOptions(model, options, length, steps);
  const sequences = { batch: 1, prompt, answerLength: length, blockLength };
  try {
    using logits = new AnswerLogits(
      model,
      cache,
      sequences,
      guidanceScale > 0 ? ['conditional', 'unconditional'] : ['conditional'],
    );
    using sampler = await MaskedSampler.create(model.runtime, logits, {
      ...{ batch: 1, length, answerLength: length, blockLength, steps, maskId },
      ...{ temperature, guidanceScale, keepConfidence: true, ...straying, ...signal },
    });
    const ids = await sampler.decode(new Uint32Array(length).fill(maskId), {
      seed,
      ...signal,
      ...(onStep && { onStep: (answer, { step }) => onStep(answer, step) }),
    });
    return { ids, probabilities: (await sampler.confidence!.read()) as Float32Array<ArrayBuffer> };
  } finally {
    for (const tensor of tensorsIn(straying)) tensor.dispose();
  }
}

/** @throws OptionError where tokens of earlier blocks would change unseen */
function checkCache(cache: CacheKind, { revise = 0 }: DecodingOptions, blocks: number): void {
  if (revise > 0 && blocks > 1 && (cache === 'block' || cache === 'dual')) {
    throw new OptionError(
      `a ${cache} cache keeps what earlier blocks were, so nothing in them can be revised: use one block`,
    );
  }
}

/** @throws OptionError where no token is left for an answer, in which the mask never stands once one is banned */
function checkBanned(banned: Iterable<number>, { vocabulary, maskId }: LanguageConfig): void {
  if (new Set([...banned, maskId]).size < vocabulary) return;
  throw new OptionError(
    `decodeAnswer: banned must leave one of the ${vocabulary} tokens beside the mask, not ban them all`,
  );
}

/** The sampler's options for what strays from LLaDA's own decoding; their tensors are the caller's. @throws OptionError */
function strayingOptions(
  { runtime, config }: LanguageModel,
  { threshold, revise = 0, late, banned, stopId, span }: DecodingOptions & TokenRules,
  length: number,
  steps: number,
): Partial<MaskedSamplerOptions> {
  if (threshold === undefined && revise === 0 && !late && !banned && stopId === undefined && !span) {
    return { maskAllowed: true };
  }
  if (span && length < 2) throw new OptionError(`an answer of ${length} token is too short for two times`);
  const { vocabulary } = config;
  if (banned) checkBanned(banned, config);
  const revision = revise > 0 ? { fractions: revisionFractions(steps, revise) } : undefined;
  const from = late && lateStep(steps, late.rho);
  // All sets are checked before any of them becomes a tensor.
  const anywhere = (banned || span) && allTokensBut(vocabulary, banned ?? []);
  const inSpan = span && tokenSet(vocabulary, span.ids);
  const lateSet = late && tokenSet(vocabulary, late.ids);
  return runtime.detached(() => {
    const u32 = (data: ArrayLike<number>, shape?: readonly number[]) => runtime.tensor(data, shape, 'u32');
    return {
      ...(threshold !== undefined && { threshold }),
      ...(revision && { revision }),
      ...(lateSet && { late: { ids: u32(lateSet), from: from! } }),
      ...(stopId !== undefined && { stopId }),
      ...(anywhere && !span && { allowed: u32(anywhere) }),
      ...(span && {
        allowed: u32([...anywhere!, ...inSpan!], [2, anywhere!.length]),
        allowedIndex: u32(Array.from({ length }, (_, i) => Number(i < 2))),
        spans: { positions: u32([0, 1], [1, 1, 2]), firstId: span.firstId, count: span.count },
      }),
    };
  });
}
