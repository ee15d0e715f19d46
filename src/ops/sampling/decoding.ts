import samplingFinishStepKernel from '../../../kernels/sampling/finish_step.wgsl.js';
import samplingMaskPromptKernel from '../../../kernels/sampling/mask_prompt.wgsl.js';
import {
  checkArgument,
  checkFields,
  described,
  flag,
  integer,
  optional,
  type Rule,
  type Rules,
  rule,
} from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { checkTensor, expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { checkCall, type Signature, within } from '../call.js';
import { spread } from '../grid.js';
import { anySeed, seedWords } from '../random/philox.js';

/** Which positions of the sequences (B, L) are decoded, and how they are told. */
export interface AnswerOptions {
  /** Id that stands for "not decoded yet"; chosen as a token only with `maskAllowed`. */
  readonly maskId: number;
  /**
   * Position where the answer and its first block begin; all from there to the end is the answer. Default:
   * the first position that has logits.
   */
  readonly start?: number;
  /** Positions of a block; a step sees the answer up to the end of the current one. Default: the whole answer. */
  readonly blockLength?: number;
}

/** What no token's id is. */
const noToken = 2 ** 32 - 1;

const ids = integer(0, noToken - 1);
export const tokenId: Rule<number> = rule('the id of a token', (value) => ids.accepts(value));

export const answerRules: Rules<AnswerOptions> = {
  maskId: tokenId,
  start: optional(integer(0)),
  blockLength: optional(integer(1)),
};

/** The sizes that {@link AnswerOptions} gives: B sequences of L tokens, the last R of them with logits. */
export interface Answer {
  readonly batch: number;
  readonly length: number;
  readonly rows: number;
  readonly start: number;
  readonly blockLength: number;
  readonly maskId: number;
}

/** @throws ShapeError, DtypeError, OptionError */
export function answerOf(tokens: Tensor, rows: number, options: AnswerOptions): Answer {
  expectDtype(tokens, 'tokens', 'u32');
  if (tokens.rank !== 2) throw new ShapeError(`tokens must be (sequences, positions), not ${tokens}`);
  const [batch, length] = tokens.shape as [number, number];
  if (rows > length) {
    throw new ShapeError(`the logits have ${rows} positions, but ${tokens} has only ${length}`);
  }
  const { maskId, start = length - rows, blockLength = length - start } = options;
  if (start < length - rows || start >= length) {
    throw new OptionError(
      `start must be a position with logits, ${length - rows} to ${length - 1}, not ${start}`,
    );
  }
  return { batch, length, rows, start, blockLength: Math.min(blockLength, length), maskId };
}

/** Words of the state of a decoding, in their order. */
const words = ['seedLow', 'seedHigh', 'step', 'block', 'blockStep', 'masked'] as const;

/** Where a decoding stands. */
export interface DecodingProgress {
  /** Steps so far. */
  readonly step: number;
  readonly block: number;
  /** Steps so far in this block. */
  readonly blockStep: number;
  /**
   * Masked positions left in all answers, except those after a stop token; 0 before the first step too.
   */
  readonly masked: number;
}

/** The words of a decoding that has not begun: for a new state, or to `write` into one to start over. */
export function newDecoding(seed: number | bigint): number[] {
  return [...seedWords(seed), 0, 0, 0, 0];
}

/**
 * The state of a masked decoding, u32 (6), on the device so that a captured step can be replayed. Its random
 * numbers depend on the seed, the step and the position only.
 */
export function decodingState(runtime: Runtime, seed: number | bigint = 0): Tensor {
  checkArgument('decodingState', 'runtime', runtime, anyRuntime);
  checkArgument('decodingState', 'seed', seed, anySeed);
  return runtime.tensor(newDecoding(seed), [words.length], 'u32');
}

/** @throws ShapeError, DtypeError unless `state` is one of `decodingState`. */
export function expectDecodingState(state: Tensor): void {
  expectDtype(state, 'state', 'u32');
  expectShape(state, 'state', [words.length]);
}

/** Runs what is recorded and tells where the decoding stands. */
export async function readDecoding(state: Tensor): Promise<DecodingProgress> {
  checkTensor('readDecoding', 'state', state);
  within('readDecoding', () => expectDecodingState(state));
  const [, , step, block, blockStep, masked] = await state.read();
  return { step: step!, block: block!, blockStep: blockStep!, masked: masked! };
}

export interface FinishStepOptions extends AnswerOptions {
  /** Steps that a block has. */
  readonly stepsPerBlock: number;
  /** Masks may have been chosen: a block is done without them, whatever is left of those before it. Default false. */
  readonly maskAllowed?: boolean;
  /** Id of the token that ends an answer: masked positions after it need not be filled. */
  readonly stopId?: number;
}

export interface FinishStepOperands {
  readonly tokens: Tensor;
  readonly next: Tensor;
  readonly state: Tensor;
}

const finishStepSignature: Signature<FinishStepOperands, FinishStepOptions> = {
  operands: { tokens: 'required', next: 'required', state: 'required' },
  options: {
    ...answerRules,
    stepsPerBlock: integer(1),
    maskAllowed: optional(flag),
    stopId: optional(tokenId),
  },
};

/**
 * Ends a step, in place: the answers in `tokens` (B, L) become those of `next`, and `state` moves on, to the
 * next block where this one is full or has had its steps.
 */
export function finishStep(operands: FinishStepOperands, options: FinishStepOptions): void {
  checkCall('finishStep', finishStepSignature, operands, options);
  const { tokens, next, state } = operands;
  const { stepsPerBlock, maskAllowed = false, stopId = noToken } = options;
  const { batch, length, start, blockLength, maskId } = within('finishStep', () => {
    expectDtype(next, 'next', 'u32');
    expectShape(next, 'next', tokens.shape);
    expectDecodingState(state);
    return answerOf(tokens, tokens.shape.at(-1) ?? 0, options);
  });
  tokens.runtime.launch({
    kernel: samplingFinishStepKernel,
    constants: { MASK_ALLOWED: maskAllowed },
    buffers: { next, tokens, state },
    params: {
      batch,
      length,
      start,
      block_length: blockLength,
      mask_id: maskId,
      stop_id: stopId,
      steps_per_block: stepsPerBlock,
    },
    workgroups: [1],
  });
}

/** The sequences (B, L) with all before `start` masked: what guidance's unconditional pass sees. */
export function maskPrompt(
  tokens: Tensor,
  options: { readonly start: number; readonly maskId: number },
): Tensor {
  checkTensor('maskPrompt', 'tokens', tokens);
  checkFields('maskPrompt', options, { start: integer(0), maskId: tokenId });
  const { start, maskId } = options;
  within('maskPrompt', () => answerOf(tokens, tokens.shape.at(-1) ?? 0, options));
  const out = tokens.runtime.empty(tokens.shape, 'u32');
  tokens.runtime.launch({
    kernel: samplingMaskPromptKernel,
    buffers: { tokens, out },
    params: { count: tokens.size, length: tokens.shape[1]!, start, mask_id: maskId },
    workgroups: spread(tokens.size),
  });
  return out;
}

/**
 * How far apart the rows of two sequences lie in an operand with an entry for each row of the logits: (R),
 * the same for all sequences, or (B, R).
 * @throws DtypeError, ShapeError
 */
export function perRowStride(operand: Tensor | undefined, name: string, { batch, rows }: Answer): number {
  if (!operand) return 0;
  expectDtype(operand, name, 'u32');
  if (operand.rank === 1) {
    expectShape(operand, name, [rows]);
    return 0;
  }
  expectShape(operand, name, [batch, rows]);
  return rows;
}

/**
 * A set of token ids as the operations take it: u32 (ceil(vocabulary / 32)), bit v mod 32 of word v / 32 is 1
 * where v belongs to it. Make a tensor of it with `runtime.tensor(set, [set.length], 'u32')`.
 * @throws OptionError for an id outside the vocabulary.
 */
export function tokenSet(vocabulary: number, ids: Iterable<number>): Uint32Array<ArrayBuffer> {
  return setOf('tokenSet', vocabulary, ids);
}

/**
 * The set of all ids but these, in the form of {@link tokenSet}.
 * @throws OptionError for an id outside the vocabulary, and where no id is left
 */
export function allTokensBut(vocabulary: number, ids: Iterable<number>): Uint32Array<ArrayBuffer> {
  const set = setOf('allTokensBut', vocabulary, ids).map((word) => ~word);
  // What is left of the last word is no id.
  if (vocabulary % 32 !== 0) set[set.length - 1]! &= 2 ** (vocabulary % 32) - 1;
  if (set.some((word) => word !== 0)) return set;
  throw new OptionError(`allTokensBut: ids must leave one of the ${vocabulary} tokens, not ban them all`);
}

function setOf(where: string, vocabulary: number, ids: Iterable<number>): Uint32Array<ArrayBuffer> {
  checkArgument(where, 'vocabulary', vocabulary, integer(1, noToken));
  checkArgument(where, 'ids', ids, listOfIds);
  const set = new Uint32Array(Math.ceil(vocabulary / 32));
  for (const id of ids) {
    if (!tokenId.accepts(id) || id >= vocabulary) {
      throw new OptionError(
        `${where}: ids must be ids of a vocabulary of ${vocabulary} tokens, not ${described(id)}`,
      );
    }
    set[id >>> 5]! |= 1 << (id & 31);
  }
  return set;
}

const listOfIds: Rule<Iterable<number>> = rule(
  'a list of ids',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
);
