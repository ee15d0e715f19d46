import { stopGradient } from '../../../autograd/value-and-grad.js';
import { div, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { sum } from '../../../ops/array/reduce.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { exp, log, scaleShift } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { meanWhere } from './mean-where.js';

export interface DistillationOperands {
  /** (B, T, K): probabilities that clips give dummies and words. */
  readonly weights: Tensor;
  /** (B, T, K): how similar the encoders of moments and sentences make them. */
  readonly similarity: Tensor;
  /** u32 (B, K): 1 for dummies and words. */
  readonly keyMask: Tensor;
  /** u32 (B, T): 1 for clips of moments. */
  readonly moments: Tensor;
}

const lowest = -1e9;
/** What is added to probabilities before their logarithm. */
const leastProbability = 1e-6;

/**
 * CG-DETR's distillation: KL(softmax(similarity) ‖ attention) over the dummies and words of a text, divided by how many there are, the
 * mean over the clips of moments; one element. No gradient goes through the similarity. Padding of texts is left out (ours: the released
 * code counts it).
 */
export function attentionDistillation(operands: DistillationOperands): Tensor {
  const { weights, similarity, keyMask, moments } = operands;
  const [batch, , keys] = weights.shape as [number, number, number];
  return weights.runtime.scope(() => {
    const present = keyMask.reshape([batch, 1, keys]);
    const logs = logSoftmax(where(present, stopGradient(similarity), lowest));
    const divergence = mul(exp(logs), sub(logs, log(scaleShift(weights, 1, leastProbability))));
    const counts = sum(cast(keyMask, 'f32'), { axes: 1, keepDims: true });
    return meanWhere(div(sum(divergence, { axes: 2 }), counts), cast(moments, 'f32'));
  });
}
