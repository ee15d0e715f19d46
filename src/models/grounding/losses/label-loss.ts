import { less } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import type { LinearAssignment } from '../../../ops/assign/linear-assignment.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * Cross-entropy of what queries say they are, moments (class 0) where they are matched and none (class 1) elsewhere; the
 * latter count `background`. The mean over all queries, one element.
 * @param logits (N, Q, 2)
 * @param targets u32 (N, Q): the moment of each query, `moments` or more where it has none
 */
export function labelLoss(
  logits: Tensor,
  { targets }: Pick<LinearAssignment, 'targets'>,
  moments: number,
  background: number,
): Tensor {
  return logits.runtime.scope(() => {
    const likely = logSoftmax(logits);
    const of = (column: number) => narrow(likely, 2, column, 1).reshape(targets.shape);
    const chosen = where(less(targets, moments), of(0), scaleShift(of(1), background, 0));
    return scaleShift(mean(chosen), -1, 0);
  });
}
