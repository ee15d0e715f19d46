import samplingCandidatesPlainKernel from '../../../kernels/sampling/candidates_plain.wgsl.js';
import samplingCandidatesSplitKernel from '../../../kernels/sampling/candidates_split.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { DeviceClass } from '../../gpu/traits.js';
import type { Dtype } from '../../tensor/dtype.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation, type Variant } from '../op.js';
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
} from './token-choice.js';

export type TokenCandidatesInputs = ChoiceInputs & {
  /** (B, R, V), f32 or f16: of the last R positions of the sequences. */
  readonly logits: Tensor;
  /** (B, R, V): the logits without the condition, for guidance. */
  readonly unconditional?: Tensor | undefined;
};

interface TokenCandidatesProblem extends ChoiceProblem {
  readonly dtype: Dtype;
}

export const tokenCandidatesOperation = defineOperation<
  TokenCandidatesInputs,
  TokenCandidatesOptions,
  TokenCandidatesProblem,
  TokenCandidates
>({
  name: 'tokenCandidates',
  operands: {
    logits: 'required',
    unconditional: 'optional',
    tokens: 'required',
    state: 'required',
    allowed: 'optional',
    allowedIndex: 'optional',
  },
  options: candidatesRules,
  problem(inputs, options) {
    const { logits, unconditional } = inputs;
    expectDtype(logits, 'logits', 'f32', 'f16');
    if (logits.rank !== 3) throw new ShapeError(`logits must be (sequences, positions, ids), not ${logits}`);
    const columns = logits.shape[2]!;
    const choice = choiceProblem(['logits', logits], unconditional, columns, inputs, options);
    return { ...choice, dtype: logits.dtype };
  },
  outputs: candidateSpecs,
  variants: [
    split('streams', 'software', () => 8),
    split('lanes', 'hardware', (rows) => (rows < 128 ? 1024 : 256)),
    {
      name: 'plain',
      suits: () => true,
      run(runtime, inputs, outputs, problem) {
        const { logits, unconditional } = inputs;
        runtime.launch({
          kernel: samplingCandidatesPlainKernel,
          constants: { ...streamConstants(problem), Element: problem.dtype },
          buffers: { logits, unconditional, ...streamBuffers(inputs), ...outputs },
          params: streamParams(problem),
          workgroups: spread(problem.answer.batch * problem.answer.rows),
        });
      },
    },
  ],
  flops: ({ answer: { batch, rows }, columns }) => 4 * batch * rows * columns,
  reduction: ({ columns }) => columns,
});

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
    run(runtime, inputs, outputs, problem) {
      const { logits, unconditional } = inputs;
      const { batch, rows } = problem.answer;
      const lanes = lanesFor(batch * rows);
      const workgroup = Math.min(2 * lanes, 256);
      const partials = runtime.empty([batch, rows, lanes, choiceWords], 'u32');
      runtime.launch({
        kernel: samplingCandidatesSplitKernel,
        constants: { ...streamConstants(problem), Element: problem.dtype, WORKGROUP: workgroup },
        buffers: { logits, unconditional, ...streamBuffers(inputs), partials },
        params: { ...streamParams(problem), lanes },
        workgroups: spread(batch * rows * lanes, workgroup),
      });
      mergeChoices(runtime, partials, inputs, outputs, problem);
    },
  };
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
