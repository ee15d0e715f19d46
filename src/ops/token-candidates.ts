import { OptionError, ShapeError } from '../errors.js';
import type { DeviceClass } from '../gpu/traits.js';
import type { Dtype } from '../tensor/dtype.js';
import { expectDtype, expectShape, type Tensor } from '../tensor/tensor.js';
import { type Answer, type AnswerOptions, answerOf, expectDecodingState, perRowStride } from './decoding.js';
import { spread } from './grid.js';
import { defineOperation, type Variant } from './op.js';

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

export type TokenCandidatesInputs = {
  /** (B, R, V), f32 or f16: of the last R positions of the sequences. */
  readonly logits: Tensor;
  /** (B, L), u32. */
  readonly tokens: Tensor;
  /** Of `decodingState`. */
  readonly state: Tensor;
  /** (B, R, V): the logits without the condition, for guidance. */
  readonly unconditional?: Tensor | undefined;
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
  /** Also score the positions of the answer that have a token, by its probability. Default false. */
  readonly rescore?: boolean;
}

interface TokenCandidatesProblem {
  readonly answer: Answer;
  readonly columns: number;
  readonly dtype: Dtype;
  readonly temperature: number;
  readonly confidence: ConfidenceKind;
  readonly guidanceScale: number | undefined;
  readonly rescore: boolean;
  readonly masks: 'none' | 'one' | 'many';
  readonly maskStride: number;
}

type TokenCandidates = {
  /** (B, R), u32: the token that each masked position would get; where there is a token, that token. */
  candidates: Tensor;
  /** (B, R), f32; `unscored` at positions that take no part. */
  confidence: Tensor;
};

export const tokenCandidatesOperation = defineOperation<
  TokenCandidatesInputs,
  TokenCandidatesOptions,
  TokenCandidatesProblem,
  TokenCandidates
>({
  name: 'tokenCandidates',
  problem({ logits, tokens, state, unconditional, allowed, allowedIndex }, options) {
    const { temperature = 0, confidence = 'probability', guidanceScale, rescore = false } = options;
    expectDtype(logits, 'logits', 'f32', 'f16');
    if (logits.rank !== 3) throw new ShapeError(`logits must be (sequences, positions, ids), not ${logits}`);
    const [batch, rows, columns] = logits.shape as [number, number, number];
    const answer = answerOf(tokens, rows, options);
    if (answer.batch !== batch) {
      throw new ShapeError(`logits ${logits} and tokens ${tokens} differ in the number of sequences`);
    }
    expectDecodingState(state);
    if (!Number.isFinite(temperature) || temperature < 0) {
      throw new OptionError(`temperature must be at least 0, not ${temperature}`);
    }
    if (!confidenceKinds.includes(confidence)) {
      throw new OptionError(`unknown confidence "${confidence}": use one of ${confidenceKinds.join(', ')}`);
    }
    if (unconditional) {
      expectDtype(unconditional, 'unconditional', logits.dtype);
      expectShape(unconditional, 'unconditional', logits.shape);
    }
    if ((unconditional !== undefined) !== (guidanceScale !== undefined)) {
      throw new OptionError('guidance needs both the unconditional logits and guidanceScale');
    }
    if (guidanceScale !== undefined && !Number.isFinite(guidanceScale)) {
      throw new OptionError(`guidanceScale must be a number, not ${guidanceScale}`);
    }
    return {
      answer,
      columns,
      dtype: logits.dtype,
      temperature,
      confidence,
      guidanceScale,
      rescore,
      masks: masksOf(allowed, allowedIndex, columns),
      maskStride: perRowStride(allowedIndex, 'allowedIndex', answer),
    };
  },
  outputs: ({ answer: { batch, rows } }) => ({
    candidates: { shape: [batch, rows], dtype: 'u32' },
    confidence: { shape: [batch, rows], dtype: 'f32' },
  }),
  variants: [
    split('streams', 'software', () => 8),
    split('lanes', 'hardware', (rows) => (rows < 128 ? 1024 : 256)),
    {
      name: 'plain',
      suits: () => true,
      run(runtime, inputs, { candidates, confidence }, problem) {
        const { batch, length, rows, start, blockLength, maskId } = problem.answer;
        runtime.launch({
          kernel: 'sampling/candidates_plain',
          constants: streamConstants(problem),
          buffers: { ...streamBuffers(inputs), candidates, confidence },
          params: {
            ...{ batch, length, rows, start, block_length: blockLength, mask_id: maskId },
            ...streamParams(problem),
          },
          workgroups: spread(batch * rows),
        });
      },
    },
  ],
  flops: ({ answer: { batch, rows }, columns }) => 4 * batch * rows * columns,
  reduction: ({ columns }) => columns,
});

/** 4-byte words of `struct Choice` (kernels/lib/token_choice.wgsl). */
const choiceWords = 7;

/**
 * A variant that splits each row of the logits among several invocations. A software driver is quickest where
 * each of its subgroups streams through one row; a GPU wants enough invocations to keep its memory busy.
 */
function split(
  name: string,
  deviceClass: DeviceClass,
  lanesFor: (rows: number) => number,
): Variant<TokenCandidatesInputs, TokenCandidatesProblem, TokenCandidates> {
  return {
    name,
    suits: (_, { columns }) => columns % 4 === 0,
    meantFor: [deviceClass],
    prefers: (_, { columns }) => columns >= 256,
    run(runtime, inputs, { candidates, confidence }, problem) {
      const { batch, length, rows, start, blockLength, maskId } = problem.answer;
      const { tokens, state } = inputs;
      const lanes = lanesFor(batch * rows);
      const workgroup = Math.min(2 * lanes, 256);
      const partials = runtime.empty([batch, rows, lanes, choiceWords], 'u32');
      const answer = { batch, length, rows, start, block_length: blockLength, mask_id: maskId };
      runtime.launch({
        kernel: 'sampling/candidates_split',
        constants: { ...streamConstants(problem), WORKGROUP: workgroup },
        buffers: { ...streamBuffers(inputs), partials },
        params: { ...answer, ...streamParams(problem), lanes },
        workgroups: spread(batch * rows * lanes, workgroup),
      });
      runtime.launch({
        kernel: 'sampling/candidates_merge',
        constants: { ...choiceConstants(problem), WORKGROUP: Math.min(lanes, 64) },
        buffers: { partials, tokens, state, candidates, confidence },
        params: { ...answer, lanes },
        workgroups: spread(batch * rows, 1),
      });
    },
  };
}

function choiceConstants({ temperature, confidence, rescore }: TokenCandidatesProblem) {
  return { TEMPERED: temperature > 0, CONFIDENCE: confidenceKinds.indexOf(confidence), RESCORE: rescore };
}

function streamConstants(problem: TokenCandidatesProblem) {
  return {
    ...choiceConstants(problem),
    Element: problem.dtype,
    GUIDED: problem.guidanceScale !== undefined,
    HAS_ALLOWED: problem.masks !== 'none',
    MANY_MASKS: problem.masks === 'many',
  };
}

function streamBuffers(inputs: TokenCandidatesInputs) {
  const { logits, unconditional, tokens, state, allowed, allowedIndex } = inputs;
  return { logits, unconditional, tokens, state, allowed, mask_index: allowedIndex };
}

function streamParams({ columns, temperature, guidanceScale = 0, maskStride }: TokenCandidatesProblem) {
  return { columns, temperature, guidance_scale: guidanceScale, mask_stride: maskStride };
}

function masksOf(
  allowed: Tensor | undefined,
  allowedIndex: Tensor | undefined,
  columns: number,
): TokenCandidatesProblem['masks'] {
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

/**
 * The candidate token of each masked position of the answers and how sure the model is of it: one step's
 * first half in the decoding of LLaDA and its kin. The candidate is argmax_v (l_v - T log(-log u_v)), a draw
 * from softmax(l / T) (Gumbel-max), the lowest id where several are equal; u comes from Philox at (step,
 * sequence, position, id), so it does not depend on variant, driver or grid. NaN logits count as -infinity.
 * @throws ShapeError, DtypeError, OptionError
 */
export function tokenCandidates(
  inputs: TokenCandidatesInputs,
  options: TokenCandidatesOptions,
): TokenCandidates {
  return tokenCandidatesOperation.run(inputs, options);
}
