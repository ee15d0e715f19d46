import vocabularyCandidatesPlainKernel from '../../../kernels/vocabulary/candidates_plain.wgsl.js';
import vocabularyCandidatesShuffleKernel from '../../../kernels/vocabulary/candidates_shuffle.wgsl.js';
import vocabularyCandidatesTiledKernel from '../../../kernels/vocabulary/candidates_tiled.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineOperation } from '../op.js';
import {
  type ChoiceInputs,
  type ChoiceProblem,
  candidateSpecs,
  candidatesRules,
  choiceProblem,
  choiceWords,
  mergeChoices,
  streamBuffers,
  streamConstants,
  streamParams,
  type TokenCandidates,
  type TokenCandidatesOptions,
} from '../sampling/token-choice.js';
import {
  type VocabularyProblem,
  vocabularyProblem,
  vocabularyVariants,
  type WindowOptions,
  windowBytesRules,
} from './vocabulary.js';

export type LinearTokenCandidatesInputs = ChoiceInputs & {
  /** (B, R, d), f32 or f16: of the last R positions of the sequences. */
  readonly hidden: Tensor;
  /** The vocabulary matrix (V, d), of the type of `hidden`. May be larger than the device can bind at a time. */
  readonly weight: Tensor;
  /** (B, R, d): the hidden states without the condition, for guidance. */
  readonly unconditional?: Tensor | undefined;
};

interface LinearTokenCandidatesProblem extends ChoiceProblem {
  readonly vocabulary: VocabularyProblem;
}

const kernels = {
  plain: vocabularyCandidatesPlainKernel,
  shuffle: vocabularyCandidatesShuffleKernel,
  tiled: vocabularyCandidatesTiledKernel,
};

export const linearTokenCandidatesOperation = defineOperation<
  LinearTokenCandidatesInputs,
  TokenCandidatesOptions & WindowOptions,
  LinearTokenCandidatesProblem,
  TokenCandidates
>({
  name: 'linearTokenCandidates',
  operands: {
    hidden: 'required',
    weight: 'required',
    unconditional: 'optional',
    tokens: 'required',
    state: 'required',
    allowed: 'optional',
    allowedIndex: 'optional',
  },
  options: { ...candidatesRules, ...windowBytesRules },
  problem(inputs, options) {
    const { hidden, weight, unconditional } = inputs;
    if (hidden.rank !== 3) {
      throw new ShapeError(`hidden must be (sequences, positions, width), not ${hidden}`);
    }
    const vocabulary = vocabularyProblem(hidden, weight, options);
    const choice = choiceProblem(['hidden', hidden], unconditional, vocabulary.columns, inputs, options);
    return { ...choice, vocabulary };
  },
  outputs: candidateSpecs,
  variants: vocabularyVariants(
    ({ vocabulary }) => vocabulary,
    (runtime, inputs, outputs, problem, { kind, parts, launches }) => {
      const { hidden, unconditional } = inputs;
      const { batch, rows } = problem.answer;
      const partials = runtime.empty([batch, rows, parts, choiceWords], 'u32');
      for (const { weight, constants, params, workgroups } of launches) {
        runtime.launch({
          kernel: kernels[kind],
          constants: { ...streamConstants(problem), ...constants },
          buffers: { hidden, unconditional, weight, ...streamBuffers(inputs), partials },
          params: { ...streamParams(problem), ...params },
          workgroups,
        });
      }
      mergeChoices(runtime, partials, inputs, outputs, problem);
    },
  ),
  flops: ({ vocabulary: { rows, columns, depth } }) => (2 * depth + 4) * rows * columns,
  reduction: ({ vocabulary: { columns, depth } }) => Math.max(columns, depth),
});

/**
 * `tokenCandidates` of the logits `hidden · weightᵀ` (B, R, V), which are never written: the last layer of a language
 * model and the choice of its tokens in one. Guidance is of the hidden states, which comes to the same. The weight is
 * read once for every 16 (software drivers) or 64 rows, and rows that take no part in the step are left out where
 * whole tiles of them are.
 * @throws ShapeError, DtypeError, OptionError
 */
export function linearTokenCandidates(
  inputs: LinearTokenCandidatesInputs,
  options: TokenCandidatesOptions,
): TokenCandidates {
  return linearTokenCandidatesOperation.run(inputs, options);
}
