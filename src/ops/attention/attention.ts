import attentionMatrixKernel from '../../../kernels/attention/matrix.wgsl.js';
import attentionPlainKernel from '../../../kernels/attention/plain.wgsl.js';
import attentionShuffleKernel from '../../../kernels/attention/shuffle.wgsl.js';
import attentionTiledKernel from '../../../kernels/attention/tiled.wgsl.js';
import { optional } from '../../arguments.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import type { Runtime } from '../../tensor/runtime.js';
import { Tensor } from '../../tensor/tensor.js';
import { pad } from '../array/pad.js';
import { narrow } from '../array/slice.js';
import { checkCall, type Signature } from '../call.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { defineOperation } from '../op.js';
import { subgroupMatrix } from '../subgroup-matrix.js';
import { attentionMaskRule } from './attention-mask.js';
import { attentionTiling } from './attention-matrix.js';
import {
  type AttentionInputs,
  type AttentionOperands,
  type AttentionOptions,
  type AttentionProblem,
  attendedPairs,
  attentionProblem,
  attentionRules,
  sharedConstants,
  sharedParams,
} from './attention-problem.js';

export interface AttentionOutputs {
  /** (B, H, Lq, D), of the type of `query`. */
  readonly output: Tensor;
  readonly logSumExp?: Tensor;
}

/** What `logSumExp` holds for a query that attends no key; its output is 0. */
export const emptyLogSumExp = Math.fround(-3.4e38);

/** The shuffle kernel keeps heads in registers and on the stack: beyond this compilation takes minutes. */
const maxShuffledHeadSize = 128;

export const attentionOperation = defineOperation<
  AttentionInputs,
  AttentionOptions,
  AttentionProblem,
  AttentionOutputs
>({
  name: 'attention',
  operands: {
    query: 'required',
    key: 'required',
    value: 'required',
    bias: 'optional',
    keyMask: 'optional',
    keyWeight: 'optional',
    groups: 'optional',
  },
  options: attentionRules,
  problem: attentionProblem,
  outputs: ({ batches, heads, queryLength, headSize, dtype, returnLogSumExp }) => ({
    output: { shape: [batches, heads, queryLength, headSize], dtype },
    ...(returnLogSumExp && { logSumExp: { shape: [batches, heads, queryLength], dtype: 'f32' } }),
  }),
  variants: [
    {
      name: 'matrix',
      // Its sums are not in blocks: of more keys they would lose too much to rounding.
      suits: (traits, { dtype, headSize, keyLength }) =>
        keyLength <= 2 ** 16 && attentionTiling(traits, dtype, headSize) !== undefined,
      meantFor: ['hardware'],
      // A shorter problem leaves most of a tile empty; with larger heads the sums no longer fit in registers.
      prefers: (traits, { dtype, headSize, queryLength, keyLength }) =>
        headSize <= 128 && Math.min(queryLength, keyLength) >= 2 * subgroupMatrix(traits, dtype)!.m,
      run(runtime, operands, outputs, problem) {
        const tiling = attentionTiling(runtime.traits, problem.dtype, problem.headSize)!;
        launch(runtime, attentionMatrixKernel, operands, outputs, problem, tiling);
      },
    },
    {
      name: 'shuffle',
      suits: ({ subgroups }, { headSize }) =>
        subgroups && headSize % 4 === 0 && headSize <= maxShuffledHeadSize,
      meantFor: ['software'],
      run(runtime, operands, outputs, problem) {
        const { subgroupMinSize, subgroupMaxSize } = runtime.traits;
        const vectors = problem.headSize / 4;
        launch(runtime, attentionShuffleKernel, operands, outputs, problem, {
          constants: { WORKGROUP: subgroupMaxSize, LANES: Math.min(8, subgroupMinSize), VECTORS: vectors },
          params: { vectors },
          queriesEach: 4 * subgroupMaxSize,
        });
      },
    },
    {
      name: 'tiled',
      suits: (_, { headSize }) => headSize % 4 === 0,
      meantFor: ['hardware'],
      run(runtime, operands, outputs, problem) {
        launch(runtime, attentionTiledKernel, operands, outputs, problem, {
          constants: { VECTORS: problem.headSize / 4 },
          queriesEach: 64,
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, outputs, problem) {
        launch(runtime, attentionPlainKernel, operands, outputs, problem, {
          constants: { HEAD_SIZE: problem.headSize },
          params: { head_size: problem.headSize },
        });
      },
    },
  ],
  flops: (problem) => 4 * problem.heads * problem.headSize * attendedPairs(problem),
  reduction: ({ headSize, keyLength }) => Math.max(headSize, keyLength),
});

const { groups: _, ...operandKinds } = attentionOperation.spec.operands;
/** The tensor of a mask is an operand of the operation, but no operand of the function. */
const signature: Signature<AttentionOperands, AttentionOptions> = {
  operands: operandKinds,
  options: { ...attentionRules, mask: optional(attentionMaskRule) },
};

/**
 * Fused attention with an online softmax: `output` (B, H, Lq, D) = softmax(scale · query · keyᵀ + bias) · value over
 * the keys that the masks allow; the (Lq, Lk) scores are never in memory. Storage f32 or f16, sums in f32. A query that
 * attends no key gives zeros, and {@link emptyLogSumExp} for its `logSumExp`. Its gradient reaches query, key, value and
 * keyWeight (also a weight of 0), but not bias. Heads of no multiple of 4 are padded to one where there is enough to do.
 * @throws ShapeError, DtypeError, OptionError
 */
export function attention(operands: AttentionOperands, options: AttentionOptions = {}): AttentionOutputs {
  checkCall('attention', signature, operands, options);
  const { mask } = options;
  const groups =
    mask?.kind === 'turns' ? mask.turns : mask?.kind === 'prefix' ? mask.prefixLength : undefined;
  const inputs = { ...operands, groups: groups instanceof Tensor ? groups : undefined };
  const spare = -(operands.query.shape[3] ?? 0) & 3;
  if (spare > 0) {
    const problem = attentionOperation.problem(inputs, options);
    if (worthPadding(problem)) return paddedAttention(operands, options, problem, spare);
  }
  const { tape } = operands.query.runtime;
  if (options.returnLogSumExp || !Object.values(inputs).some((tensor) => tape?.follows(tensor))) {
    return attentionOperation.run(inputs, options);
  }
  // The gradient needs it: the tape keeps it.
  const { output, logSumExp } = attentionOperation.run(inputs, { ...options, returnLogSumExp: true });
  logSumExp!.dispose();
  return { output };
}

/** The fast kernels take heads in fours; where there is little to do, the copies take longer than the plain one. */
function worthPadding(problem: AttentionProblem): boolean {
  return problem.heads * problem.headSize * attendedPairs(problem) >= 2 ** 18;
}

/** The same on heads padded with zeros, which change neither scores nor sums. */
function paddedAttention(
  { query, key, value, ...others }: AttentionOperands,
  options: AttentionOptions,
  { headSize, scale }: AttentionProblem,
  spare: number,
): AttentionOutputs {
  return query.runtime.scope(() => {
    const [wideQuery, wideKey, wideValue] = [query, key, value].map((x) =>
      pad(x, { before: [0, 0, 0, 0], after: [0, 0, 0, spare] }),
    );
    const wide = { query: wideQuery!, key: wideKey!, value: wideValue! };
    const { output, logSumExp } = attention({ ...others, ...wide }, { ...options, scale });
    return { output: narrow(output, 3, 0, headSize), ...(logSumExp && { logSumExp }) };
  });
}

function launch(
  runtime: Runtime,
  kernel: KernelSource,
  { query, key, value, bias, keyMask, keyWeight, groups }: AttentionInputs,
  { output, logSumExp }: AttentionOutputs,
  problem: AttentionProblem,
  own: {
    readonly constants: Readonly<Record<string, number | string>>;
    readonly params?: Readonly<Record<string, number>>;
    /** Queries of one head that a workgroup takes; an invocation takes one of any head where absent. */
    readonly queriesEach?: number;
  },
): void {
  const { batches, heads, queryLength } = problem;
  runtime.launch({
    kernel,
    constants: {
      ...own.constants,
      ...sharedConstants(problem),
      HAS_LOG_SUM_EXP: logSumExp !== undefined,
      ...(kernel !== attentionMatrixKernel && { LONG: isLongSum(problem.keyLength) }),
    },
    buffers: {
      query,
      key,
      value,
      bias,
      key_weight: keyMask ?? keyWeight,
      groups,
      output,
      log_sum_exp: logSumExp,
    },
    params: { ...sharedParams(problem), ...own.params },
    workgroups: own.queriesEach
      ? spread(batches * heads * Math.ceil(queryLength / own.queriesEach), 1)
      : spread(batches * heads * queryLength),
  });
}
