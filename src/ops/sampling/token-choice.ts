import samplingCandidatesMergeKernel from '../../../kernels/sampling/candidates_merge.wgsl.js';
import { flag, number, numberIn, oneOf, optional, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { workgroupJoining } from '../array/rows.js';
import { spread } from '../grid.js';
import type { TensorSpec } from '../op.js';
import {
  type Answer,
  type AnswerOptions,
  answerOf,
  answerRules,
  expectDecodingState,
  perRowStride,
} from './decoding.js';

/**
 * How sure the model is of a candidate x, with p = softmax of the logits at temperature 1, guided and without
 * the ids that are not allowed:
 * - `probability`: p_x (LLaDA's low_confidence remasking),
 * - `margin`: p_1 - p_2 of the two most probable tokens,
 * - `entropy`: Σ p log p, at most 0,
 * - `random`: a uniform number.
 */
export const confidenceKinds = ['probability', 'margin', 'entropy', 'random'] as const;
export type ConfidenceKind = (typeof confidenceKinds)[number];

/** The confidence where there is none, at positions that take no part in a step: the lowest f32. */
export const unscored = -3.4028234663852886e38;

/** What the operations that choose tokens take beside the logits or what these come from. */
export type ChoiceInputs = {
  /** (B, L), u32. */
  readonly tokens: Tensor;
  /** Of `decodingState`. */
  readonly state: Tensor;
  /** Ids that may be chosen, a `tokenSet`: (⌈V / 32⌉), or several to choose from: (M, ⌈V / 32⌉). */
  readonly allowed?: Tensor | undefined;
  /** Which of the M sets a position uses, u32, (R) or (B, R). */
  readonly allowedIndex?: Tensor | undefined;
};

export interface TokenCandidatesOptions extends AnswerOptions {
  /** 0 (default) takes the most probable token, 1 draws from softmax(logits). */
  readonly temperature?: number;
  /** Default `probability`. */
  readonly confidence?: ConfidenceKind;
  /** s in unconditional + (s + 1) (conditional - unconditional); needs `unconditional`. */
  readonly guidanceScale?: number;
  /** The mask may be chosen like any other id; see `commitTokens`. Default false. */
  readonly maskAllowed?: boolean;
  /** Also score the positions of the answer that have a token, by its probability. Default false. */
  readonly rescore?: boolean;
}

/** How a position chooses, whatever the logits come from. */
export interface Choice {
  readonly temperature: number;
  readonly confidence: ConfidenceKind;
  readonly rescore: boolean;
}

export const choiceRules: Rules<Partial<Choice>> = {
  temperature: optional(numberIn(0)),
  confidence: optional(oneOf(...confidenceKinds)),
  rescore: optional(flag),
};

export const candidatesRules: Rules<TokenCandidatesOptions> = {
  ...answerRules,
  ...choiceRules,
  guidanceScale: optional(number),
  maskAllowed: optional(flag),
};

export interface ChoiceProblem extends Choice {
  readonly answer: Answer;
  /** V. */
  readonly columns: number;
  readonly guidanceScale: number | undefined;
  readonly maskAllowed: boolean;
  readonly masks: 'none' | 'one' | 'many';
  readonly maskStride: number;
}

export type TokenCandidates = {
  /** (B, R), u32: the token that each masked position would get; where a token is committed, that token. */
  candidates: Tensor;
  /** (B, R), f32; `unscored` at positions that take no part. */
  confidence: Tensor;
};

/** 4-byte words of `struct Choice` (kernels/lib/token_choice.wgsl). */
export const choiceWords = 7;

/** A choice with nothing left open. */
export function wholeChoice({
  temperature = 0,
  confidence = 'probability',
  rescore = false,
}: Partial<Choice>): Choice {
  return { temperature, confidence, rescore };
}

/**
 * Checks all but the logits, whose rows belong to the last positions of the sequences.
 * @param source what gives the logits, named `name`: (B, R, …)
 * @param unconditional the same without the condition
 * @throws ShapeError, DtypeError, OptionError
 */
export function choiceProblem(
  [name, source]: [string, Tensor],
  unconditional: Tensor | undefined,
  columns: number,
  { tokens, state, allowed, allowedIndex }: ChoiceInputs,
  options: TokenCandidatesOptions,
): ChoiceProblem {
  const { guidanceScale, maskAllowed = false } = options;
  const [batch, rows] = source.shape as [number, number];
  const answer = answerOf(tokens, rows, options);
  if (answer.batch !== batch) {
    throw new ShapeError(`${name} ${source} and tokens ${tokens} differ in the number of sequences`);
  }
  expectDecodingState(state);
  if (unconditional) {
    expectDtype(unconditional, 'unconditional', source.dtype);
    expectShape(unconditional, 'unconditional', source.shape);
  }
  if ((unconditional !== undefined) !== (guidanceScale !== undefined)) {
    throw new OptionError(`guidance needs both the unconditional ${name} and guidanceScale`);
  }
  return {
    answer,
    columns,
    ...wholeChoice(options),
    guidanceScale,
    maskAllowed,
    masks: masksOf(allowed, allowedIndex, columns),
    maskStride: perRowStride(allowedIndex, 'allowedIndex', answer),
  };
}

export function candidateSpecs({
  answer: { batch, rows },
}: ChoiceProblem): Record<keyof TokenCandidates, TensorSpec> {
  return {
    candidates: { shape: [batch, rows], dtype: 'u32' },
    confidence: { shape: [batch, rows], dtype: 'f32' },
  };
}

/** Constants of the kernels that see logits (lib/token_choice.wgsl, lib/allowed_ids.wgsl). */
export function streamConstants(problem: ChoiceProblem) {
  return {
    ...choiceConstants(problem),
    GUIDED: problem.guidanceScale !== undefined,
    HAS_ALLOWED: problem.masks !== 'none',
    MANY_MASKS: problem.masks === 'many',
    MASK_ALLOWED: problem.maskAllowed,
  };
}

export function streamBuffers({ tokens, state, allowed, allowedIndex }: ChoiceInputs) {
  return { tokens, state, allowed, mask_index: allowedIndex };
}

export function streamParams(problem: ChoiceProblem) {
  const { columns, temperature, guidanceScale = 0, maskStride } = problem;
  return {
    ...answerParams(problem),
    ...{ columns, temperature, guidance_scale: guidanceScale, mask_stride: maskStride },
  };
}

/** Puts together what was found of each row in parts: `partials` (B, R, parts, choiceWords). */
export function mergeChoices(
  runtime: Runtime,
  partials: Tensor,
  { tokens, state }: ChoiceInputs,
  outputs: TokenCandidates,
  problem: ChoiceProblem,
): void {
  const { batch, rows } = problem.answer;
  const parts = partials.shape[2]!;
  runtime.launch({
    kernel: samplingCandidatesMergeKernel,
    constants: { ...choiceConstants(problem), WORKGROUP: workgroupJoining(parts) },
    buffers: { partials, tokens, state, ...outputs },
    params: { ...answerParams(problem), parts },
    workgroups: spread(batch * rows, 1),
  });
}

/** Constants of lib/token_choice.wgsl. */
export function choiceConstants({ temperature, confidence, rescore }: Choice) {
  return { TEMPERED: temperature > 0, CONFIDENCE: confidenceKinds.indexOf(confidence), RESCORE: rescore };
}

function answerParams({ answer: { batch, length, rows, start, blockLength, maskId } }: ChoiceProblem) {
  return { batch, length, rows, start, block_length: blockLength, mask_id: maskId };
}

function masksOf(
  allowed: Tensor | undefined,
  allowedIndex: Tensor | undefined,
  columns: number,
): ChoiceProblem['masks'] {
  if (!allowed) {
    if (allowedIndex) throw new OptionError('allowedIndex chooses among the sets of allowed: give both');
    return 'none';
  }
  expectDtype(allowed, 'allowed', 'u32');
  const words = Math.ceil(columns / 32);
  if (!allowedIndex) {
    expectShape(allowed, 'allowed', [words]);
    return 'one';
  }
  if (allowed.rank !== 2 || allowed.shape[1] !== words) {
    throw new ShapeError(`with allowedIndex, allowed must be (sets, ${words}), not ${allowed}`);
  }
  return 'many';
}
