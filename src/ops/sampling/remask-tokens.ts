import samplingRemaskKernel from '../../../kernels/sampling/remask.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
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
} from './decoding.js';

export type RemaskTokensInputs = {
  /** (B, L), u32: the sequences after this step's commit. */
  readonly tokens: Tensor;
  /** (B, L), u32: the sequences before it. What was committed just now stays. */
  readonly previous: Tensor;
  /** (B, R), f32, of the last R positions: of `tokenCandidates` with `rescore`. */
  readonly confidence: Tensor;
  /** Of `decodingState`. */
  readonly state: Tensor;
  /**
   * (K): how much to mask in each step, u32 as a number of tokens, f32 as a fraction, rounded down, of those
   * that may be revised. From step K on, the last holds.
   */
  readonly amounts: Tensor;
  /** u32, (R) or (B, R): positions that may be revised are not 0; all without it. */
  readonly eligible?: Tensor | undefined;
  /** A `tokenSet` of ids that may be revised at any position. */
  readonly always?: Tensor | undefined;
};

interface RemaskTokensProblem {
  readonly answer: Answer;
  readonly steps: number;
  readonly amount: Dtype;
  readonly eligible: boolean;
  readonly eligibleStride: number;
  readonly alwaysIds: number;
}

export const remaskTokensOperation = defineOperation<
  RemaskTokensInputs,
  AnswerOptions,
  RemaskTokensProblem,
  { tokens: Tensor }
>({
  name: 'remaskTokens',
  operands: {
    tokens: 'required',
    previous: 'required',
    confidence: 'required',
    state: 'required',
    amounts: 'required',
    eligible: 'optional',
    always: 'optional',
  },
  options: answerRules,
  problem({ tokens, previous, confidence, state, amounts, eligible, always }, options) {
    expectDtype(confidence, 'confidence', 'f32');
    const answer = answerOf(tokens, confidence.shape[1] ?? 0, options);
    expectShape(confidence, 'confidence', [answer.batch, answer.rows]);
    expectDtype(previous, 'previous', 'u32');
    expectShape(previous, 'previous', tokens.shape);
    expectDecodingState(state);
    expectDtype(amounts, 'amounts', 'u32', 'f32');
    if (amounts.rank !== 1) throw new ShapeError(`amounts must have one axis, the steps, not ${amounts}`);
    if (always) expectDtype(always, 'always', 'u32');
    return {
      answer,
      steps: amounts.size,
      amount: amounts.dtype,
      eligible: eligible !== undefined,
      eligibleStride: perRowStride(eligible, 'eligible', answer),
      alwaysIds: 32 * (always?.size ?? 0),
    };
  },
  outputs: ({ answer: { batch, length } }) => ({ tokens: { shape: [batch, length], dtype: 'u32' } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, inputs, { tokens: next }, problem) {
        const { tokens, previous, confidence, state, amounts, eligible, always } = inputs;
        const { batch, length, rows, start, blockLength, maskId } = problem.answer;
        runtime.launch({
          kernel: samplingRemaskKernel,
          constants: {
            Amount: problem.amount,
            FRACTIONS: problem.amount === 'f32',
            HAS_ELIGIBLE: problem.eligible,
            HAS_ALWAYS: problem.alwaysIds > 0,
          },
          buffers: { tokens, previous, confidence, state, amounts, eligible, always, next },
          params: {
            batch,
            length,
            rows,
            start,
            block_length: blockLength,
            mask_id: maskId,
            steps: problem.steps,
            eligible_stride: problem.eligibleStride,
            always_ids: problem.alwaysIds,
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
 * The sequences with the least certain of their tokens masked again, so that later steps can revise them (the
 * editable decoding of MDVLM-TAL). Of equal confidences the lower position goes first. A decoding whose last step left
 * nothing masked is over, and keeps its tokens.
 * @returns (B, L), u32
 * @throws ShapeError, DtypeError, OptionError
 */
export function remaskTokens(inputs: RemaskTokensInputs, options: AnswerOptions): Tensor {
  return remaskTokensOperation.run(inputs, options).tokens;
}
