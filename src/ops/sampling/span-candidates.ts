import samplingSpanCandidatesKernel from '../../../kernels/sampling/span_candidates.wgsl.js';
import { OptionError, ShapeError } from '../../errors.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { copyInto } from '../array/strided.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { type Answer, answerOf, answerRules, expectDecodingState, tokenId } from './decoding.js';
import {
  type Choice,
  choiceConstants,
  choiceRules,
  type TokenCandidates,
  type TokenCandidatesOptions,
  wholeChoice,
} from './token-choice.js';

export type SpanCandidatesInputs = {
  /** (B, S, 2, n), f32: for start and end of each of S spans the logits of the n times, guided where there is guidance. */
  readonly logits: Tensor;
  /**
   * (B, S, 2), u32: positions of start and end in the answer, 0 its first one; beyond it for an unused slot. No
   * position twice.
   */
  readonly positions: Tensor;
  /** (B, L), u32. */
  readonly tokens: Tensor;
  /** Of `decodingState`. */
  readonly state: Tensor;
  /** (B, R), u32, of the last R positions: of `tokenCandidates`. */
  readonly candidates: Tensor;
  /** (B, R), f32. */
  readonly confidence: Tensor;
};

export interface SpanCandidatesOptions
  extends Pick<
    TokenCandidatesOptions,
    'maskId' | 'start' | 'blockLength' | 'temperature' | 'confidence' | 'rescore'
  > {
  /** Id of the first time; those of the others follow. */
  readonly firstId: number;
}

interface SpanCandidatesProblem {
  readonly answer: Answer;
  readonly spans: number;
  readonly times: number;
  readonly firstId: number;
  readonly choice: Choice;
}

export const spanCandidatesOperation = defineOperation<
  SpanCandidatesInputs,
  SpanCandidatesOptions,
  SpanCandidatesProblem,
  TokenCandidates
>({
  name: 'spanCandidates',
  operands: {
    logits: 'required',
    positions: 'required',
    tokens: 'required',
    state: 'required',
    candidates: 'required',
    confidence: 'required',
  },
  options: { ...answerRules, ...choiceRules, firstId: tokenId },
  problem({ logits, positions, tokens, state, candidates, confidence }, options) {
    const { firstId } = options;
    expectDtype(candidates, 'candidates', 'u32');
    const answer = answerOf(tokens, candidates.shape[1] ?? 0, options);
    expectShape(candidates, 'candidates', [answer.batch, answer.rows]);
    expectDtype(confidence, 'confidence', 'f32');
    expectShape(confidence, 'confidence', candidates.shape);
    expectDecodingState(state);
    expectDtype(positions, 'positions', 'u32');
    const spans = positions.shape[1] ?? 0;
    expectShape(positions, 'positions', [answer.batch, spans, 2]);
    expectDtype(logits, 'logits', 'f32');
    const times = logits.shape.at(-1)!;
    expectShape(logits, 'logits', [answer.batch, spans, 2, times]);
    if (times < 2) throw new ShapeError(`a span takes two times, but logits ${logits} has one`);
    if (!tokenId.accepts(firstId + times - 1)) {
      throw new OptionError(`firstId ${firstId} leaves no ids for ${times} times`);
    }
    if (answer.maskId >= firstId && answer.maskId < firstId + times) {
      throw new OptionError(
        `the mask ${answer.maskId} cannot be one of the ${times} times from ${firstId} on`,
      );
    }
    return { answer, spans, times, firstId, choice: wholeChoice(options) };
  },
  outputs: ({ answer: { batch, rows } }) => ({
    candidates: { shape: [batch, rows], dtype: 'u32' },
    confidence: { shape: [batch, rows], dtype: 'f32' },
  }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, inputs, outputs, { answer, spans, times, firstId, choice }) {
        const { logits, positions, tokens, state } = inputs;
        const { batch, length, rows, start, blockLength, maskId } = answer;
        copyInto(inputs.candidates, outputs.candidates);
        copyInto(inputs.confidence, outputs.confidence);
        runtime.launch({
          kernel: samplingSpanCandidatesKernel,
          constants: choiceConstants(choice),
          buffers: { logits, positions, tokens, state, ...outputs },
          params: {
            ...{ batch, length, rows, start, block_length: blockLength, mask_id: maskId },
            ...{ temperature: choice.temperature, spans, times, first_id: firstId },
          },
          workgroups: spread(batch * spans),
        });
      },
    },
  ],
  flops: ({ answer: { batch }, spans, times }) => 10 * batch * spans * times,
  reduction: ({ times }) => times,
});

/**
 * `tokenCandidates` with those of the starts and ends of spans chosen anew: times only, each start before its end, never at
 * the same time, for such a span overlaps nothing. Where both are masked they are chosen together, by the largest sum of
 * their (perturbed) logits: the most probable span, or a draw among the spans, of those that are in order, so either
 * may be committed alone, and both in one step. Where one has a time, the other gets one on the right side of it, or stays
 * masked where there is none. The confidence is among the times that may stand there.
 * @throws ShapeError, DtypeError, OptionError
 */
export function spanCandidates(
  inputs: SpanCandidatesInputs,
  options: SpanCandidatesOptions,
): TokenCandidates {
  return spanCandidatesOperation.run(inputs, options);
}
