import attentionGradientKeyValuePlainKernel from '../../../kernels/attention/gradient_key_value_plain.wgsl.js';
import attentionGradientKeyValueShuffleKernel from '../../../kernels/attention/gradient_key_value_shuffle.wgsl.js';
import attentionGradientKeyValueTiledKernel from '../../../kernels/attention/gradient_key_value_tiled.wgsl.js';
import attentionGradientKeyWeightPlainKernel from '../../../kernels/attention/gradient_key_weight_plain.wgsl.js';
import attentionGradientKeyWeightShuffleKernel from '../../../kernels/attention/gradient_key_weight_shuffle.wgsl.js';
import attentionGradientKeyWeightTiledKernel from '../../../kernels/attention/gradient_key_weight_tiled.wgsl.js';
import attentionGradientQueryPlainKernel from '../../../kernels/attention/gradient_query_plain.wgsl.js';
import attentionGradientQueryShuffleKernel from '../../../kernels/attention/gradient_query_shuffle.wgsl.js';
import attentionGradientQueryTiledKernel from '../../../kernels/attention/gradient_query_tiled.wgsl.js';
import attentionGradientRowsKernel from '../../../kernels/attention/gradient_rows.wgsl.js';
import { flag, optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { isLongSum } from '../long-sums.js';
import { defineOperation } from '../op.js';
import {
  type AttentionInputs,
  type AttentionOptions,
  type AttentionProblem,
  attendedPairs,
  attentionProblem,
  attentionRules,
  sharedConstants,
  sharedParams,
} from './attention-problem.js';

/** The operands of attention, its results and their gradients. */
interface Operands extends AttentionInputs {
  /** (B, H, Lq, D), as outputGradient. */
  readonly output: Tensor;
  /** (B, H, Lq) f32, as logSumExpGradient. */
  readonly logSumExp: Tensor;
  readonly outputGradient?: Tensor | undefined;
  readonly logSumExpGradient?: Tensor | undefined;
}

/** The gradients of these operands, of their shapes and types. */
interface Outputs {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly keyWeight?: Tensor;
}

interface Options extends AttentionOptions {
  /** Also give the gradient of `keyWeight`; default false. */
  readonly ofKeyWeight?: boolean;
}

interface Problem extends AttentionProblem {
  readonly ofKeyWeight: boolean;
}

/** As for the forward pass: larger heads take minutes to compile. */
const maxShuffledHeadSize = 128;

/** The gradient of attention; the probabilities are computed again from the log-sum-exp, never stored. */
const queryKernels = {
  plain: attentionGradientQueryPlainKernel,
  shuffle: attentionGradientQueryShuffleKernel,
  tiled: attentionGradientQueryTiledKernel,
};
const keyValueKernels = {
  plain: attentionGradientKeyValuePlainKernel,
  shuffle: attentionGradientKeyValueShuffleKernel,
  tiled: attentionGradientKeyValueTiledKernel,
};

const keyWeightKernels = {
  plain: attentionGradientKeyWeightPlainKernel,
  shuffle: attentionGradientKeyWeightShuffleKernel,
  tiled: attentionGradientKeyWeightTiledKernel,
};

export const attentionGradientOperation = defineOperation<Operands, Options, Problem, Outputs>({
  name: 'attentionGradient',
  operands: {
    query: 'required',
    key: 'required',
    value: 'required',
    bias: 'optional',
    keyMask: 'optional',
    keyWeight: 'optional',
    groups: 'optional',
    output: 'required',
    logSumExp: 'required',
    outputGradient: 'optional',
    logSumExpGradient: 'optional',
  },
  options: { ...attentionRules, ofKeyWeight: optional(flag) },
  problem({ output, logSumExp, outputGradient, logSumExpGradient, ...operands }, options) {
    const { ofKeyWeight = false, ...others } = options;
    const problem = attentionProblem(operands, others);
    const { query } = operands;
    if (ofKeyWeight && !operands.keyWeight) throw new OptionError('ofKeyWeight needs keyWeight');
    for (const [name, tensor] of Object.entries({ output, outputGradient })) {
      if (!tensor) continue;
      expectDtype(tensor, name, query.dtype);
      expectShape(tensor, name, query.shape);
    }
    for (const [name, tensor] of Object.entries({ logSumExp, logSumExpGradient })) {
      if (!tensor) continue;
      expectDtype(tensor, name, 'f32');
      expectShape(tensor, name, query.shape.slice(0, 3));
    }
    return { ...problem, ofKeyWeight };
  },
  outputs({ batches, heads, keyHeads, queryLength, keyLength, headSize, dtype, keyWeight, ofKeyWeight }) {
    const keys = { shape: [batches, keyHeads, keyLength, headSize], dtype };
    return {
      query: { shape: [batches, heads, queryLength, headSize], dtype },
      key: keys,
      value: keys,
      ...(ofKeyWeight && { keyWeight: { shape: [batches, keyLength], dtype: keyWeight.dtype } }),
    };
  },
  variants: [
    {
      name: 'shuffle',
      suits: ({ subgroups }, { headSize }) =>
        subgroups && headSize % 4 === 0 && headSize <= maxShuffledHeadSize,
      meantFor: ['software'],
      run(runtime, operands, outputs, problem) {
        const { subgroupMinSize, subgroupMaxSize } = runtime.traits;
        const vectors = problem.headSize / 4;
        launch(runtime, 'shuffle', operands, outputs, problem, {
          constants: { WORKGROUP: subgroupMaxSize, LANES: Math.min(8, subgroupMinSize), VECTORS: vectors },
          params: { vectors },
          rowsEach: 4 * subgroupMaxSize,
        });
      },
    },
    {
      name: 'tiled',
      suits: (_, { headSize }) => headSize % 4 === 0,
      meantFor: ['hardware'],
      run(runtime, operands, outputs, problem) {
        const vectors = problem.headSize / 4;
        launch(runtime, 'tiled', operands, outputs, problem, {
          constants: { VECTORS: vectors },
          params: { vectors },
          rowsEach: 16,
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, outputs, problem) {
        const { headSize } = problem;
        launch(runtime, 'plain', operands, outputs, problem, {
          constants: { HEAD_SIZE: headSize },
          params: { head_size: headSize, width: rowWidth(headSize) },
        });
      },
    },
  ],
  // Five products of the forward pass's two; those of the weights are among them.
  flops: (problem) => 10 * problem.heads * problem.headSize * attendedPairs(problem),
  reduction: ({ headSize, keyLength, queryLength, heads, keyHeads }) =>
    Math.max(headSize, keyLength, (queryLength * heads) / keyHeads),
});

/** Numbers of a query's row as kernels/attention/gradient_rows.wgsl makes it, in whole vectors of four. */
function rowWidth(headSize: number): number {
  return Math.ceil((2 * headSize + 2) / 4) * 4;
}

function launch(
  runtime: Runtime,
  kind: 'plain' | 'shuffle' | 'tiled',
  operands: Operands,
  outputs: Outputs,
  problem: Problem,
  own: {
    readonly constants: Readonly<Record<string, number | string>>;
    readonly params: Readonly<Record<string, number>>;
    /** Queries, or keys, of one head that a workgroup takes; an invocation takes one of any head where absent. */
    readonly rowsEach?: number;
  },
): void {
  const { batches, heads, keyHeads, queryLength, keyLength, headSize, dtype } = problem;
  const { query, key, value, output, bias, keyMask, keyWeight, groups } = operands;
  const { logSumExp, outputGradient, logSumExpGradient } = operands;
  const width = rowWidth(headSize);
  const rows = runtime.empty([batches, heads, queryLength, width]);
  runtime.launch({
    kernel: attentionGradientRowsKernel,
    constants: {
      Element: dtype,
      HAS_OUTPUT_GRADIENT: outputGradient !== undefined,
      HAS_LOG_SUM_EXP_GRADIENT: logSumExpGradient !== undefined,
    },
    buffers: {
      ...{ query, output, out: rows },
      log_sum_exp: logSumExp,
      gradient: outputGradient,
      log_sum_exp_gradient: logSumExpGradient,
    },
    params: { rows: batches * heads * queryLength, head_size: headSize, width },
    workgroups: spread(rows.size),
  });
  const shared = {
    constants: {
      ...sharedConstants(problem),
      ...own.constants,
      LONG: isLongSum(Math.max(keyLength, (queryLength * heads) / keyHeads)),
    },
    params: { ...sharedParams(problem), ...own.params },
  };
  const buffers = { rows, key, value, bias, key_weight: keyMask ?? keyWeight, groups };
  const workgroups = (heads: number, length: number) =>
    own.rowsEach ? spread(heads * Math.ceil(length / own.rowsEach), 1) : spread(heads * length);
  runtime.launch({
    kernel: queryKernels[kind],
    ...shared,
    buffers: { ...buffers, out: outputs.query },
    workgroups: workgroups(batches * heads, queryLength),
  });
  runtime.launch({
    kernel: keyValueKernels[kind],
    ...shared,
    buffers: { ...buffers, key_gradient: outputs.key, value_gradient: outputs.value },
    workgroups: workgroups(batches * keyHeads, keyLength),
  });
  if (!outputs.keyWeight) return;
  // The plain kernel keeps no head.
  const { HEAD_SIZE: _, ...constants } = shared.constants as Readonly<
    Record<string, number | string | boolean>
  >;
  runtime.launch({
    kernel: keyWeightKernels[kind],
    constants: { ...constants, KEY_WEIGHT: 0 },
    params: shared.params,
    buffers: { ...buffers, key_weight: undefined, out: outputs.keyWeight },
    workgroups: workgroups(batches, keyLength),
  });
}
