import vocabularyCrossEntropyMergeKernel from '../../../kernels/vocabulary/cross_entropy_merge.wgsl.js';
import vocabularyCrossEntropyPlainKernel from '../../../kernels/vocabulary/cross_entropy_plain.wgsl.js';
import vocabularyCrossEntropyShuffleKernel from '../../../kernels/vocabulary/cross_entropy_shuffle.wgsl.js';
import vocabularyCrossEntropyTiledKernel from '../../../kernels/vocabulary/cross_entropy_tiled.wgsl.js';
import { optional, type Rules, uint32 } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { workgroupJoining } from '../array/rows.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  type VocabularyProblem,
  vocabularyProblem,
  vocabularyVariants,
  type WindowOptions,
  windowBytesRules,
} from './vocabulary.js';

export type LinearCrossEntropyInputs = {
  /** (R, d), f32 or f16. */
  readonly hidden: Tensor;
  /** The vocabulary matrix (V, d), of the type of `hidden`. May be larger than the device can bind at a time. */
  readonly weight: Tensor;
  /** The id that each row should give, (R), u32. */
  readonly targets: Tensor;
};

export interface LinearCrossEntropyOptions {
  /** A target that counts for nothing; default none. */
  readonly ignoreId?: number;
}

const crossEntropyRules: Rules<LinearCrossEntropyOptions & WindowOptions> = {
  ...windowBytesRules,
  ignoreId: optional(uint32),
};

interface LinearCrossEntropyProblem extends VocabularyProblem {
  readonly ignoreId: number | undefined;
}

export type RowLosses = {
  /** (R), f32: -log softmax(hidden · weightᵀ) of the target, 0 where that is ignored or no id. */
  loss: Tensor;
  /** (R), f32: log Σ exp of the row's logits. */
  logSumExp: Tensor;
};

/** 4-byte words of `struct Loss` (kernels/lib/token_loss.wgsl). */
const lossWords = 4;

const kernels = {
  plain: vocabularyCrossEntropyPlainKernel,
  shuffle: vocabularyCrossEntropyShuffleKernel,
  tiled: vocabularyCrossEntropyTiledKernel,
};

export const linearCrossEntropyOperation = defineOperation<
  LinearCrossEntropyInputs,
  LinearCrossEntropyOptions & WindowOptions,
  LinearCrossEntropyProblem,
  RowLosses
>({
  name: 'linearCrossEntropy',
  operands: { hidden: 'required', weight: 'required', targets: 'required' },
  options: crossEntropyRules,
  problem({ hidden, weight, targets }, options) {
    const { ignoreId } = options;
    if (hidden.rank !== 2) throw new ShapeError(`hidden must be (rows, width), not ${hidden}`);
    const vocabulary = vocabularyProblem(hidden, weight, options);
    expectDtype(targets, 'targets', 'u32');
    expectShape(targets, 'targets', [vocabulary.rows]);
    return { ...vocabulary, ignoreId };
  },
  outputs: ({ rows }) => ({
    loss: { shape: [rows], dtype: 'f32' },
    logSumExp: { shape: [rows], dtype: 'f32' },
  }),
  variants: vocabularyVariants(
    (problem) => problem,
    (runtime, { hidden, targets }, { loss, logSumExp }, problem, { kind, parts, launches }) => {
      const { rows, columns, ignoreId } = problem;
      const partials = runtime.empty([rows, parts, lossWords]);
      for (const { weight, constants, params, workgroups } of launches) {
        runtime.launch({
          kernel: kernels[kind],
          constants,
          buffers: { hidden, weight, targets, partials },
          params: { rows, ...params },
          workgroups,
        });
      }
      runtime.launch({
        kernel: vocabularyCrossEntropyMergeKernel,
        constants: { HAS_IGNORED: ignoreId !== undefined, WORKGROUP: workgroupJoining(parts) },
        buffers: { partials, targets, loss, log_sum_exp: logSumExp },
        params: { rows, parts, columns, ignored: ignoreId ?? 0 },
        workgroups: spread(rows, 1),
      });
    },
  ),
  flops: ({ rows, columns, depth }) => (2 * depth + 4) * rows * columns,
  reduction: ({ columns, depth }) => Math.max(columns, depth),
});

/**
 * The cross-entropy of a language model's last layer: of each row of the logits l = `hidden · weightᵀ` (R, V), which are
 * never written, the loss log Σ exp l_v - l_target and the first term by itself, in f32. A target that is no id of the
 * vocabulary counts as one to ignore.
 * @throws ShapeError, DtypeError, OptionError
 */
export function linearCrossEntropy(
  inputs: LinearCrossEntropyInputs,
  options: LinearCrossEntropyOptions = {},
): RowLosses {
  return linearCrossEntropyOperation.run(inputs, options);
}
