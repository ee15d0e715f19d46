import { stopGradient } from '../../../autograd/value-and-grad.js';
import { arange } from '../../../ops/array/arange.js';
import { add, div, maximum, mul, sub } from '../../../ops/array/binary.js';
import { gather } from '../../../ops/array/gather.js';
import { transpose } from '../../../ops/array/permute.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { logSoftmax, softmax } from '../../../ops/array/softmax.js';
import { topK } from '../../../ops/array/topk.js';
import { log, reciprocal, scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface ActionBackgroundOperands {
  /** (B, T, K) */
  readonly cas: Tensor;
  /** (B, T, K): what the snippets of a class are ranked by; no gradient goes through it. */
  readonly scores: Tensor;
  /** (B, T, K): 1 for the snippets of a class, 0 for the others. */
  readonly mask: Tensor;
  /** (B, K − 1) */
  readonly labels: Tensor;
}

/**
 * The cross-entropies of ActionDiff's family: of the action score, a softmax of each class's mean logit over its snippets,
 * weighted by 1 / (2 + rank), and of 1 − the background score, a softmax of the mean logits over the other snippets. Of the
 * first the mean over a video's classes, of the second over all.
 *
 * The family has no class for the background. Here the background is among the softmax's, with label 0, and
 * is not among the classes of the second term, so that it grows where no class is (ours).
 * @returns their sum, the mean over the videos, one element
 */
export function actionBackground({ cas, scores, mask, labels }: ActionBackgroundOperands): Tensor {
  const { runtime } = cas;
  return runtime.scope(() => {
    const steps = cas.shape[1]!;
    const classes = labels.shape[1]!;
    const { indices } = topK(transpose(stopGradient(scores), 1, 2), steps);
    // (B, K, T), the best snippet of each class first.
    const ranked = (x: Tensor) => gather({ x: transpose(x, 1, 2), ids: indices }, { axis: 2 });
    const [logits, inside] = [ranked(cas), ranked(mask)];
    const average = (weights: Tensor) =>
      div(sum(mul(logits, weights), { axes: 2 }), maximum(sum(weights, { axes: 2 }), 1));
    const byRank = reciprocal(arange(runtime, { start: 2, end: steps + 2 }));
    const ofClasses = (x: Tensor) => narrow(x, 1, 0, classes);
    const action = ofClasses(logSoftmax(average(mul(inside, byRank))));
    const background = ofClasses(softmax(average(scaleShift(inside, -1, 1))));
    const counts = maximum(sum(labels, { axes: 1 }), 1);
    const missed = mean(div(sum(mul(labels, action), { axes: 1 }), counts));
    return scaleShift(add(missed, mean(log(maximum(sub(1, background), 1e-8)))), -1, 0);
  });
}
