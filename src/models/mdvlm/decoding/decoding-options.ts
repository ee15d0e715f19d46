import { type Abortable, abortRules } from '../../../abort.js';
import {
  checkArguments,
  instanceOf,
  integer,
  numberIn,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
  rule,
  uint32,
} from '../../../arguments.js';
import { rhoRule } from '../../../diffusion/unmasking.js';
import { OptionError } from '../../../errors.js';
import { TimeTokens } from '../time-tokens.js';
import { type CacheKind, cacheKinds } from './answer-logits.js';

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
  /** Answers begin with two of these, the earlier one first, chosen together. */
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
