import { checkFields, oneOf, optional, type Rules } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { sameShape } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { div, less, maximum, sub } from '../array/binary.js';
import { cast } from '../array/cast.js';
import { gather } from '../array/gather.js';
import { logSumExp, sum } from '../array/reduce.js';
import { where } from '../array/where.js';
import { checkOperands } from '../call.js';
import { inF32 } from './mean-squared-error.js';

export interface CrossEntropyOperands {
  /** (…, C), f32 or f16: scores before a softmax. */
  readonly logits: Tensor;
  /** (…), u32: the right class of each row; one of C or more counts for nothing. */
  readonly targets: Tensor;
}

export interface CrossEntropyOptions {
  /** Over the rows that count: their mean (default; 0 where none counts), their sum, or a loss for each row. */
  readonly reduction?: 'mean' | 'sum' | 'none' | undefined;
}

const rules: Rules<CrossEntropyOptions> = { reduction: optional(oneOf('mean', 'sum', 'none')) };

/**
 * log Σ exp logits − logits[target] of each row, in f32: one element, or (…) with `reduction: 'none'`. The same as
 * PyTorch's `cross_entropy` with the classes in the last axis. Where the logits are the last layer of a language model,
 * {@link linearCrossEntropy} needs no memory for them.
 * @throws ShapeError, DtypeError, OptionError
 */
export function crossEntropy(operands: CrossEntropyOperands, options: CrossEntropyOptions = {}): Tensor {
  checkOperands('crossEntropy', operands, { logits: 'required', targets: 'required' });
  checkFields('crossEntropy', options, rules);
  const { logits, targets } = operands;
  expectDtype(logits, 'crossEntropy: logits', 'f32', 'f16');
  expectDtype(targets, 'crossEntropy: targets', 'u32');
  const classes = logits.shape.at(-1);
  if (classes === undefined || !sameShape(logits.shape.slice(0, -1), targets.shape)) {
    throw new ShapeError(
      `crossEntropy: targets must have the shape of logits ${logits} without its last axis, not ${targets}`,
    );
  }
  const { reduction = 'mean' } = options;
  return logits.runtime.scope(() => {
    const scores = inF32(logits);
    const chosen = gather({ x: scores, ids: targets.reshape([...targets.shape, 1]) }, { axis: -1 });
    const counts = less(targets, classes);
    const losses = where(counts, sub(logSumExp(scores, { axes: -1 }), chosen.reshape(targets.shape)), 0);
    if (reduction === 'none') return losses;
    const total = sum(losses);
    return reduction === 'sum' ? total : div(total, maximum(sum(cast(counts, 'f32')), 1));
  });
}
