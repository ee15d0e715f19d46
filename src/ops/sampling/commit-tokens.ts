import samplingCommitKernel from '../../../kernels/sampling/commit.wgsl.js';
import { flag, integer, number, optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  type Answer,
  type AnswerOptions,
  answerOf,
  answerRules,
  expectDecodingState,
  perRowStride,
  tokenId,
} from './decoding.js';

export type CommitTokensInputs = {
  /** (B, L), u32. */
  readonly tokens: Tensor;
  /** (B, R), u32, of the last R positions: of `tokenCandidates`. */
  readonly candidates: Tensor;
  /** (B, R), f32. */
  readonly confidence: Tensor;
  /** Of `decodingState`. */
  readonly state: Tensor;
  /** (stepsPerBlock), f32: the share of the masked positions to commit in each step of a block (`commitShares`). */
  readonly shares?: Tensor | undefined;
  /** u32, (R) or (B, R): positions that may be committed are not 0. */
  readonly eligible?: Tensor | undefined;
  /** A `tokenSet` of ids that are not committed before the step `lateFrom`. */
  readonly late?: Tensor | undefined;
};

export interface CommitTokensOptions extends AnswerOptions {
  /** Steps in which a block is to be filled; default its length, so one position a step. */
  readonly stepsPerBlock?: number;
  /** Commit also all positions whose confidence is at least this. */
  readonly threshold?: number;
  /**
   * A candidate that is the mask goes like any other, and leaves its position masked (LLaDA's released code bans
   * nothing). The steps then commit what they would of a block that was masked whole. Default: it waits.
   */
  readonly maskAllowed?: boolean;
  /** Step of the decoding, from 0, from which on ids of `late` are committed; needs `late`. */
  readonly lateFrom?: number;
  /** Id of the token that ends an answer: after the first one of a sequence nothing is committed (LLaDA-V). */
  readonly stopId?: number;
}

interface CommitTokensProblem {
  readonly answer: Answer;
  readonly stepsPerBlock: number;
  readonly threshold: number | undefined;
  readonly shares: boolean;
  readonly eligible: boolean;
  readonly eligibleStride: number;
  readonly maskAllowed: boolean;
  readonly lateFrom: number | undefined;
  readonly lateIds: number;
  readonly stopId: number | undefined;
}

export const commitTokensOperation = defineOperation<
  CommitTokensInputs,
  CommitTokensOptions,
  CommitTokensProblem,
  { tokens: Tensor }
>({
  name: 'commitTokens',
  operands: {
    tokens: 'required',
    candidates: 'required',
    confidence: 'required',
    state: 'required',
    shares: 'optional',
    eligible: 'optional',
    late: 'optional',
  },
  options: {
    ...answerRules,
    stepsPerBlock: optional(integer(1)),
    threshold: optional(number),
    maskAllowed: optional(flag),
    lateFrom: optional(integer(0)),
    stopId: optional(tokenId),
  },
  problem({ tokens, candidates, confidence, state, shares, eligible, late }, options) {
    expectDtype(candidates, 'candidates', 'u32');
    const answer = answerOf(tokens, candidates.shape[1] ?? 0, options);
    expectShape(candidates, 'candidates', [answer.batch, answer.rows]);
    expectDtype(confidence, 'confidence', 'f32');
    expectShape(confidence, 'confidence', candidates.shape);
    expectDecodingState(state);
    const { threshold, lateFrom, stopId, stepsPerBlock = answer.blockLength, maskAllowed = false } = options;
    if (shares) {
      expectDtype(shares, 'shares', 'f32');
      expectShape(shares, 'shares', [stepsPerBlock]);
    }
    if ((late !== undefined) !== (lateFrom !== undefined)) {
      throw new OptionError('late decoding needs both the set of late ids and lateFrom');
    }
    if (late) expectDtype(late, 'late', 'u32');
    return {
      answer,
      stepsPerBlock,
      threshold,
      shares: shares !== undefined,
      eligible: eligible !== undefined,
      eligibleStride: perRowStride(eligible, 'eligible', answer),
      maskAllowed,
      lateFrom,
      lateIds: 32 * (late?.size ?? 0),
      stopId,
    };
  },
  outputs: ({ answer: { batch, length } }) => ({ tokens: { shape: [batch, length], dtype: 'u32' } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, inputs, { tokens: next }, problem) {
        const { tokens, candidates, confidence, state, shares, eligible, late } = inputs;
        const { batch, length, rows, start, blockLength, maskId } = problem.answer;
        runtime.launch({
          kernel: samplingCommitKernel,
          constants: {
            HAS_SHARES: problem.shares,
            HAS_THRESHOLD: problem.threshold !== undefined,
            HAS_ELIGIBLE: problem.eligible,
            HAS_LATE: problem.lateFrom !== undefined,
            HAS_STOP: problem.stopId !== undefined,
            MASK_ALLOWED: problem.maskAllowed,
          },
          buffers: { tokens, candidates, confidence, state, shares, eligible, late, next },
          params: {
            batch,
            length,
            rows,
            start,
            block_length: blockLength,
            mask_id: maskId,
            steps_per_block: problem.stepsPerBlock,
            threshold: problem.threshold ?? 0,
            eligible_stride: problem.eligibleStride,
            late_from: problem.lateFrom ?? 0,
            late_ids: problem.lateIds,
            stop_id: problem.stopId ?? 0,
          },
          workgroups: spread(batch * length),
        });
      },
    },
  ],
  flops: ({ answer: { batch, rows } }) => batch * rows * rows,
  reduction: () => 1,
});

/**
 * The sequences with the most certain masked positions of the current block set to their candidates: of m
 * masked and i of S steps done in the block, the ⌈m / (S - i)⌉ with the highest confidence, the lower
 * position first where some are equal. For n masked at the block's start these are LLaDA's
 * ⌊n / S⌋ + [i < n mod S], and where something else changed their number, the block is still full after S
 * steps. `shares` sets another schedule; `threshold` commits more where the model is sure (confident decoding:
 * Fast-dLLM, Dimple), and with the default of `stepsPerBlock` at least one.
 * @returns (B, L), u32
 * @throws ShapeError, DtypeError, OptionError
 */
export function commitTokens(inputs: CommitTokensInputs, options: CommitTokensOptions): Tensor {
  return commitTokensOperation.run(inputs, options).tokens;
}
