import alignmentPlainKernel from '../../../kernels/align/alignment_plain.wgsl.js';
import alignmentWorkgroupKernel from '../../../kernels/align/alignment_workgroup.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation, type TensorSpec } from '../op.js';

export interface AlignmentOperands {
  /** f32 or f16 (B, T, N): the logarithm of how well step t fits state j. Minus infinity stands for a state that must not be. */
  readonly scores: Tensor;
  /** u32 (B): of the N states of each element the first so many count. Default: all. */
  readonly counts?: Tensor | undefined;
}

interface AlignmentProblem {
  readonly batch: number;
  readonly steps: number;
  readonly states: number;
  readonly dtype: Dtype;
}

/** States that the workgroup memory holds, of which every invocation looks at all. */
const capacity = 64;

function defineAlignment(name: string, posterior: boolean) {
  const shape = ({ batch, steps, states }: AlignmentProblem) =>
    posterior ? [batch, steps, states] : [batch];
  return defineOperation<
    AlignmentOperands,
    Record<never, never>,
    AlignmentProblem,
    { readonly output: Tensor }
  >({
    name,
    operands: { scores: 'required', counts: 'optional' },
    options: {},
    problem({ scores, counts }) {
      expectDtype(scores, 'scores', 'f32', 'f16');
      const [batch, steps, states] = scores.shape;
      if (scores.rank !== 3 || batch === undefined || steps === undefined || states === undefined) {
        throw new ShapeError(`scores must be (B, T, N), not ${scores}`);
      }
      if (counts) {
        expectDtype(counts, 'counts', 'u32');
        if (counts.rank !== 1 || counts.size !== batch) {
          throw new ShapeError(`counts must be (${batch}), one for each element of scores, not ${counts}`);
        }
      }
      return { batch, steps, states, dtype: scores.dtype };
    },
    outputs: (problem): { output: TensorSpec } => ({ output: { shape: shape(problem), dtype: 'f32' } }),
    variants: [
      {
        name: 'workgroup',
        suits: (_, { states }) => states <= capacity,
        meantFor: ['hardware'],
        run(runtime, { scores, counts }, { output }, { dtype, ...params }) {
          runtime.launch({
            kernel: alignmentWorkgroupKernel,
            constants: {
              ...{ Element: dtype, CAPACITY: capacity },
              ...{ POSTERIOR: posterior, HAS_COUNTS: counts !== undefined },
            },
            buffers: { scores, counts, out: output },
            params,
            workgroups: spread(params.batch, 1),
          });
        },
      },
      {
        name: 'plain',
        suits: () => true,
        run(runtime, { scores, counts }, { output }, { dtype, ...params }) {
          runtime.launch({
            kernel: alignmentPlainKernel,
            constants: { Element: dtype, POSTERIOR: posterior, HAS_COUNTS: counts !== undefined },
            buffers: { scores, counts, row: runtime.empty([params.batch, params.states]), out: output },
            params,
            workgroups: spread(params.batch),
          });
        },
      },
    ],
    flops: ({ batch, steps, states }) => (posterior ? 20 : 8) * batch * steps * states,
    reduction: ({ steps }) => steps,
  });
}

export const alignmentLogLikelihoodOperation = defineAlignment('alignmentLogLikelihood', false);
export const alignmentPosteriorOperation = defineAlignment('alignmentPosterior', true);

/**
 * The log-likelihood, f32 (B), of sequences of T steps that pass through states in their order: a path begins in the first
 * state, ends in the last that counts, and each step stays or goes on by one. It is log Σ exp(the sum of the scores along a
 * path) over all paths, by the forward algorithm (Rabiner, Proceedings of the IEEE 77, 1989), in f32. Connectionist temporal
 * classification without its blank label is this, with log-probabilities of classes as scores. Has a gradient: the
 * {@link alignmentPosterior}.
 *
 * An element without states, or with more states than steps, has no path: it counts 0, and gives no gradient.
 * @throws ShapeError, DtypeError
 *
 * @example
 * const loss = mean(alignmentLogLikelihood({ scores, counts }));      // learn by its negative
 */
export function alignmentLogLikelihood(operands: AlignmentOperands): Tensor {
  return alignmentLogLikelihoodOperation.run(operands, {}).output;
}

/**
 * Where each state is, f32 (B, T, N): the share of the paths of {@link alignmentLogLikelihood}, weighted by their likelihood, that
 * are in state j at step t, by the forward-backward algorithm. Sums to 1 over the states of a step; 0 for states that do not
 * count, and everywhere where there is no path. Has no gradient.
 * @throws ShapeError, DtypeError
 */
export function alignmentPosterior(operands: AlignmentOperands): Tensor {
  return alignmentPosteriorOperation.run(operands, {}).output;
}
