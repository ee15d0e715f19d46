import vocabularyCrossEntropyGradientKernel from '../../../kernels/vocabulary/cross_entropy_gradient.wgsl.js';
import { listOf, oneOf, optional, uint32 } from '../../arguments.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { rowWindows } from '../../tensor/windows.js';
import { add } from '../array/binary.js';
import { cast } from '../array/cast.js';
import { copyInto } from '../array/strided.js';
import { spread } from '../grid.js';
import { matmul } from '../matmul/matmul.js';
import { defineOperation } from '../op.js';
import {
  type VocabularyProblem,
  vocabularyProblem,
  type WindowOptions,
  windowBytesRules,
} from './vocabulary.js';

/** The operands of linearCrossEntropy, its log-sum-exp and the gradients of its results. */
type Operands = {
  /** (R, d), f32 or f16. */
  readonly hidden: Tensor;
  /** (V, d), of the type of `hidden`. */
  readonly weight: Tensor;
  /** (R) u32 */
  readonly targets: Tensor;
  /** (R) f32, as the gradients. */
  readonly logSumExp: Tensor;
  readonly lossGradient?: Tensor | undefined;
  readonly logSumExpGradient?: Tensor | undefined;
};

type Wanted = 'hidden' | 'weight';

interface Options extends WindowOptions {
  readonly ignoreId?: number | undefined;
  readonly wanted: readonly Wanted[];
}

interface Problem extends VocabularyProblem {
  readonly ignoreId: number | undefined;
  readonly wanted: readonly Wanted[];
}

type Outputs = { readonly [Name in Wanted]?: Tensor };

/** Bytes of the logits that are in memory at a time. */
const logitBytes = 2 ** 25;

/** The gradient of linearCrossEntropy: a window of the vocabulary after another, the logits computed again. */
export const linearCrossEntropyGradientOperation = defineOperation<Operands, Options, Problem, Outputs>({
  name: 'linearCrossEntropyGradient',
  operands: {
    hidden: 'required',
    weight: 'required',
    targets: 'required',
    logSumExp: 'required',
    lossGradient: 'optional',
    logSumExpGradient: 'optional',
  },
  options: {
    ...windowBytesRules,
    ignoreId: optional(uint32),
    wanted: listOf(oneOf('hidden', 'weight')),
  },
  problem({ hidden, weight, targets, ...perRow }, { ignoreId, wanted, ...options }) {
    const vocabulary = vocabularyProblem(hidden, weight, options);
    for (const [name, tensor] of Object.entries({ targets, ...perRow })) {
      if (!tensor) continue;
      expectDtype(tensor, name, name === 'targets' ? 'u32' : 'f32');
      expectShape(tensor, name, [vocabulary.rows]);
    }
    return { ...vocabulary, ignoreId, wanted };
  },
  outputs: ({ rows, columns, depth, dtype, wanted }) => {
    const shapes = { hidden: [rows, depth], weight: [columns, depth] };
    return Object.fromEntries(wanted.map((name) => [name, { shape: shapes[name], dtype }]));
  },
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, outputs, problem) {
        const hidden = wide(operands.hidden);
        let sum: Tensor | undefined;
        for (const { view, begin, end } of rowWindows(operands.weight, windowOf(operands.weight, problem))) {
          sum = runtime.scope(() => {
            const weight = wide(view);
            const logits = matmul({ a: hidden, b: weight }, { transposeB: true });
            toGradient(runtime, logits, operands, problem, begin);
            if (outputs.weight) {
              give(matmul({ a: logits, b: hidden }, { transposeA: true }), outputs.weight.rows(begin, end));
            }
            if (!outputs.hidden) return undefined;
            const own = matmul({ a: logits, b: weight });
            return sum ? add(sum, own) : own;
          });
        }
        if (sum) give(sum, outputs.hidden!);
      },
    },
  ],
  flops: ({ rows, columns, depth, wanted }) => 2 * (1 + wanted.length) * depth * rows * columns,
  reduction: ({ rows, columns, depth }) => Math.max(rows, columns, depth),
});

/** Bytes of the vocabulary matrix for which the logits are made at a time. */
function windowOf(weight: Tensor, { rows, columns, windowBytes }: Problem): number {
  const ids = Math.max(weight.rowAlignment, Math.floor(logitBytes / 4 / rows));
  const limit = windowBytes ?? weight.runtime.traits.limits.maxStorageBufferBindingSize;
  return Math.min(limit, ids * (weight.bytes / columns));
}

/** Puts their gradients in the place of the logits (R, n) of the ids from `firstId` on. */
function toGradient(
  runtime: Runtime,
  logits: Tensor,
  { targets, logSumExp, lossGradient, logSumExpGradient }: Operands,
  { rows, columns, ignoreId }: Problem,
  firstId: number,
): void {
  runtime.launch({
    kernel: vocabularyCrossEntropyGradientKernel,
    constants: {
      HAS_IGNORED: ignoreId !== undefined,
      HAS_LOSS_GRADIENT: lossGradient !== undefined,
      HAS_LOG_SUM_EXP_GRADIENT: logSumExpGradient !== undefined,
    },
    buffers: {
      ...{ targets, logits },
      log_sum_exp: logSumExp,
      loss_gradient: lossGradient,
      log_sum_exp_gradient: logSumExpGradient,
    },
    params: { rows, ids: logits.shape[1]!, first_id: firstId, columns, ignored: ignoreId ?? 0 },
    workgroups: spread(logits.size),
  });
}

function wide(x: Tensor): Tensor {
  return x.dtype === 'f32' ? x : cast(x, 'f32');
}

function give(x: Tensor, out: Tensor): void {
  copyInto(x.dtype === out.dtype ? x : cast(x, out.dtype), out);
}
