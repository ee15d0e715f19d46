import { OptionError, ShapeError } from '../errors.js';
import type { Runtime } from '../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../tensor/tensor.js';
import { spread } from './grid.js';
import { seedWords } from './philox.js';

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

/** The sizes behind {@link AnswerOptions}: B sequences of L tokens, the last R of them with logits. */
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
    throw new ShapeError(`there are logits of ${rows} positions, but ${tokens} has only ${length}`);
  }
  const { maskId, start = length - rows, blockLength = length - start } = options;
  expectId(maskId, 'maskId');
  if (!Number.isInteger(start) || start < length - rows || start >= length) {
    throw new OptionError(
      `start must be a position with logits, ${length - rows} to ${length - 1}, not ${start}`,
    );
  }
  if (!Number.isInteger(blockLength) || blockLength < 1) {
    throw new OptionError(`blockLength must be a whole number of at least 1, not ${blockLength}`);
  }
  return { batch, length, rows, start, blockLength: Math.min(blockLength, length), maskId };
}

/** What no token's id is. */
const noToken = 2 ** 32 - 1;

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
   * Masked positions left in all answers, but for those behind a stop token; 0 before the first step too.
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
  return runtime.tensor(newDecoding(seed), [words.length], 'u32');
}

/** @throws ShapeError, DtypeError unless `state` is one of `decodingState`. */
export function expectDecodingState(state: Tensor): void {
  expectDtype(state, 'state', 'u32');
  expectShape(state, 'state', [words.length]);
}

/** Runs what is recorded and tells where the decoding stands. */
export async function readDecoding(state: Tensor): Promise<DecodingProgress> {
  const [, , step, block, blockStep, masked] = await state.read();
  return { step: step!, block: block!, blockStep: blockStep!, masked: masked! };
}

export interface FinishStepOptions extends AnswerOptions {
  /** Steps that a block has. */
  readonly stepsPerBlock: number;
  /** Masks may have been chosen: a block is done without them, whatever is left of those before it. Default false. */
  readonly maskAllowed?: boolean;
  /** Id of the token that ends an answer: masked positions behind it need not be filled. */
  readonly stopId?: number;
}

/**
 * Ends a step, in place: the answers in `tokens` (B, L) become those of `next`, and `state` moves on, to the
 * next block where this one is full or has had its steps.
 */
export function finishStep(
  { tokens, next, state }: { tokens: Tensor; next: Tensor; state: Tensor },
  { stepsPerBlock, maskAllowed = false, stopId = noToken, ...options }: FinishStepOptions,
): void {
  const { batch, length, start, blockLength, maskId } = answerOf(tokens, tokens.shape.at(-1) ?? 0, options);
  if (stopId !== noToken) expectId(stopId, 'stopId');
  expectDtype(next, 'next', 'u32');
  expectShape(next, 'next', tokens.shape);
  expectDecodingState(state);
  tokens.runtime.launch({
    kernel: 'sampling/finish_step',
    constants: { MASK_ALLOWED: maskAllowed },
    buffers: { next, tokens, state },
    params: {
      batch,
      length,
      start,
      block_length: blockLength,
      mask_id: maskId,
      stop_id: stopId,
      steps_per_block: expectSteps(stepsPerBlock),
    },
    workgroups: [1],
  });
}

/** The sequences (B, L) with all before `start` masked: what guidance's unconditional pass sees. */
export function maskPrompt(tokens: Tensor, { start, maskId }: { start: number; maskId: number }): Tensor {
  answerOf(tokens, tokens.shape.at(-1) ?? 0, { start, maskId });
  const out = tokens.runtime.empty(tokens.shape, 'u32');
  tokens.runtime.launch({
    kernel: 'sampling/mask_prompt',
    buffers: { tokens, out },
    params: { count: tokens.size, length: tokens.shape[1]!, start, mask_id: maskId },
    workgroups: spread(tokens.size),
  });
  return out;
}

/** @throws OptionError unless it can be the id of a token. */
export function expectId(id: number, name: string): void {
  if (!isId(id)) throw new OptionError(`${name} must be the id of a token, not ${id}`);
}

/** @throws OptionError unless it is a number of steps. */
export function expectSteps(stepsPerBlock: number): number {
  if (Number.isInteger(stepsPerBlock) && stepsPerBlock >= 1) return stepsPerBlock;
  throw new OptionError(`stepsPerBlock must be a whole number of at least 1, not ${stepsPerBlock}`);
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
  const set = new Uint32Array(Math.ceil(vocabulary / 32));
  for (const id of ids) {
    if (!isId(id) || id >= vocabulary) {
      throw new OptionError(`${id} is not an id of a vocabulary of ${vocabulary} tokens`);
    }
    set[id >>> 5]! |= 1 << (id & 31);
  }
  return set;
}

/** The set of all ids but these, in the form of {@link tokenSet}. @throws OptionError */
export function allTokensBut(vocabulary: number, ids: Iterable<number>): Uint32Array<ArrayBuffer> {
  return tokenSet(vocabulary, ids).map((word) => ~word);
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < noToken;
}
