import { OptionError } from '../errors.js';
import { add, notEqual, sub } from '../ops/array/binary.js';
import { cast } from '../ops/array/cast.js';
import { embedding, gather, take } from '../ops/array/gather.js';
import { narrow } from '../ops/array/slice.js';
import { scaleShift } from '../ops/array/unary.js';
import { where } from '../ops/array/where.js';
import { linear } from '../ops/matmul/matmul.js';
import { commitTokens } from '../ops/sampling/commit-tokens.js';
import { finishStep, maskPrompt } from '../ops/sampling/decoding.js';
import { remaskTokens } from '../ops/sampling/remask-tokens.js';
import { spanCandidates } from '../ops/sampling/span-candidates.js';
import { tokenCandidates } from '../ops/sampling/token-candidates.js';
import type { ChoiceInputs, TokenCandidates, TokenCandidatesOptions } from '../ops/sampling/token-choice.js';
import { linearTokenCandidates } from '../ops/vocabulary/linear-token-candidates.js';
import { Tensor } from '../tensor/tensor.js';
import type { MaskedSamplerOptions } from './masked-options.js';
import type { LastLayer, Pass, TokenLogits } from './token-logits.js';

/** What a step works on, beside the caller's tensors among the options. */
export interface StepOperands {
  /** (B, L), u32: changed in place. */
  readonly tokens: Tensor;
  /** Of `decodingState`: moved on in place. */
  readonly state: Tensor;
  /** Of `commitShares`, for schedules that are not linear. */
  readonly shares: Tensor | undefined;
  /** The fractions of a revision. */
  readonly amounts: Tensor | undefined;
  /** (n), u32: the ids that stand in spans. */
  readonly times: Tensor | undefined;
  /** (B, answer), f32: the confidence in each token when it was committed, changed in place. */
  readonly sure: Tensor | undefined;
}

/** What the passes of a step gave. */
interface Passes<T> {
  readonly conditional: T;
  /** With guidance. */
  readonly unconditional: T | undefined;
}

/** Calls `record` with what each pass of a step sees: with guidance first the sequences whose prompt is masked. */
export function eachPass<T>(
  tokens: Tensor,
  options: MaskedSamplerOptions,
  record: (tokens: Tensor, pass: Pass) => T,
): Passes<T> {
  const { length, answerLength, maskId, guidanceScale = 0 } = options;
  const start = length - answerLength;
  const unconditional =
    guidanceScale > 0 ? record(maskPrompt(tokens, { start, maskId }), 'unconditional') : undefined;
  return { unconditional, conditional: record(tokens, 'conditional') };
}

/** Records one step of a decoding: logits, candidates, what is committed and masked again. @throws as `MaskedSampler` */
export function recordStep(
  { tokens, state, shares, amounts, times, sure }: StepOperands,
  logits: TokenLogits,
  stepsPerBlock: number,
  options: MaskedSamplerOptions,
): void {
  const { length, answerLength, maskId, allowed, allowedIndex, eligible, late, revision, spans } = options;
  const { blockLength = answerLength, guidanceScale = 0, threshold, stopId } = options;
  const { temperature = 0, confidence = 'probability', maskAllowed = false } = options;
  const answer = { maskId, start: length - answerLength, blockLength };
  const choice = { ...answer, temperature, confidence, rescore: revision !== undefined };
  const seen = eachPass(tokens, options, logits);
  let found = candidatesOf(
    seen,
    { tokens, state, allowed, allowedIndex },
    { ...choice, maskAllowed, ...(guidanceScale > 0 && { guidanceScale }) },
  );
  if (spans && times) {
    const { positions, firstId } = spans;
    const logits = spanLogits(seen, spans, times, answerLength, guidanceScale);
    found = spanCandidates({ logits, positions, tokens, state, ...found }, { ...choice, firstId });
  }
  let next = commitTokens(
    { tokens, ...found, state, shares, eligible, late: late?.ids },
    {
      ...{ ...answer, stepsPerBlock, maskAllowed },
      ...(threshold !== undefined && { threshold }),
      ...(late && { lateFrom: late.from }),
      ...(stopId !== undefined && { stopId }),
    },
  );
  if (revision && amounts) {
    const { eligible, always } = revision;
    next = remaskTokens(
      { tokens: next, previous: tokens, confidence: found.confidence, state, amounts, eligible, always },
      answer,
    );
  }
  if (sure) {
    const ofAnswer = (x: Tensor) => narrow(x, 1, x.shape[1]! - answerLength, answerLength);
    const changed = notEqual(ofAnswer(tokens), ofAnswer(next));
    sure.assign(where(changed, ofAnswer(found.confidence), sure));
  }
  finishStep(
    { tokens, next, state },
    { ...answer, stepsPerBlock, maskAllowed, ...(stopId !== undefined && { stopId }) },
  );
}

/** The candidates by logits or by a last layer; without guidance there is no unconditional one. */
function candidatesOf(
  { conditional, unconditional }: Passes<Tensor | LastLayer>,
  inputs: ChoiceInputs,
  options: TokenCandidatesOptions,
): TokenCandidates {
  if (conditional instanceof Tensor) {
    if (unconditional === undefined || unconditional instanceof Tensor) {
      return tokenCandidates({ logits: conditional, unconditional, ...inputs }, options);
    }
  } else if (!(unconditional instanceof Tensor)) {
    const { hidden, weight } = conditional;
    if (unconditional === undefined || unconditional.weight === weight) {
      return linearTokenCandidates(
        { hidden, weight, unconditional: unconditional?.hidden, ...inputs },
        options,
      );
    }
  }
  throw new OptionError('both passes must give logits, or hidden states with the same vocabulary matrix');
}

/** The logits f32 (B, S, 2, n) of the times at the ends of spans, guided where there is guidance. */
function spanLogits(
  { conditional, unconditional }: Passes<Tensor | LastLayer>,
  { positions, firstId }: NonNullable<MaskedSamplerOptions['spans']>,
  times: Tensor,
  answerLength: number,
  guidanceScale: number,
): Tensor {
  const [batch, spans] = positions.shape as [number, number, 2];
  const logitsOf = (pass: Tensor | LastLayer) => {
    const rows = pass instanceof Tensor ? pass : pass.hidden;
    const vocabulary = pass instanceof Tensor ? pass.shape[2]! : pass.weight.shape[0]!;
    if (firstId + times.size > vocabulary) {
      throw new OptionError(`${times.size} times from id ${firstId} on are not in ${vocabulary} tokens`);
    }
    // The rows may be those of the whole sequence.
    const before = rows.shape[1]! - answerLength;
    const ids = add(positions, before).reshape([batch, 2 * spans, 1]);
    const input = gather({ x: rows, ids }, { axis: 1 });
    const logits =
      pass instanceof Tensor
        ? cast(take({ x: input, ids: times }, { axis: 2 }), 'f32')
        : linear({ input, weight: embedding({ table: pass.weight, ids: times }) }, { outDtype: 'f32' });
    return logits.reshape([batch, spans, 2, times.size]);
  };
  const logits = logitsOf(conditional);
  if (!unconditional) return logits;
  const without = logitsOf(unconditional);
  return add(without, scaleShift(sub(logits, without), guidanceScale + 1, 0));
}
