import { add, div, maximum, mul, sub } from '../../../ops/array/binary.js';
import { transpose } from '../../../ops/array/permute.js';
import { sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { softmax } from '../../../ops/array/softmax.js';
import { relu, scaleShift } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * The co-activity loss (W-TALC, Paul et al., arXiv:1807.10418, section 3.4): the features of two videos where a shared
 * class is are nearer to each other than to those where it is not. With a = softmax over time of the CAS, H = Xᵀ a and
 * L = Xᵀ (1 − a) / (T − 1), d = 1 − cosine: ½ relu(d(H₁, H₂) − d(H₁, L₂) + ½) + ½ relu(d(H₁, H₂) − d(H₂, L₁) + ½), its mean
 * over the classes that the videos of a pair share.
 * @param features (B, T, width)
 * @param cas (B, T, K), the suppressed one
 * @param labels (B, K − 1)
 * @param pairs the first 2 · pairs places of the batch are pairs: 0 and 1, 2 and 3, … (`classPairBatches`)
 * @returns one element, 0 where no pair shares a class
 */
export function coActivity(features: Tensor, cas: Tensor, labels: Tensor, pairs: number): Tensor {
  return features.runtime.scope(() => {
    const [width, classes] = [features.shape[2]!, labels.shape[1]!];
    const paired = (x: Tensor) => narrow(x, 0, 0, 2 * pairs);
    const x = paired(features);
    const where = softmax(transpose(narrow(paired(cas), 2, 0, classes), 1, 2));
    const present = matmul({ a: where, b: x });
    // Σ over time of (1 − a) x; its length does not matter to the cosine.
    const absent = sub(sum(x, { axes: 1, keepDims: true }), present);
    const ofPair = (x: Tensor, which: 0 | 1, ...shape: number[]) =>
      narrow(x.reshape([pairs, 2, ...shape]), 1, which, 1).reshape([pairs, ...shape]);
    const directions = (x: Tensor, which: 0 | 1) => ofPair(l2Normalize(x), which, classes, width);
    const [high1, high2] = [directions(present, 0), directions(present, 1)];
    const [low1, low2] = [directions(absent, 0), directions(absent, 1)];
    const cosine = (a: Tensor, b: Tensor) => sum(mul(a, b), { axes: 2 });
    const alike = cosine(high1, high2);
    // d(H1, H2) − d(H1, L2) + ½, of which the 1 − is gone.
    const over = (other: Tensor) => relu(scaleShift(sub(other, alike), 1, 0.5));
    const losses = scaleShift(add(over(cosine(high1, low2)), over(cosine(high2, low1))), 0.5, 0);
    const all = paired(labels);
    const shared = mul(ofPair(all, 0, classes), ofPair(all, 1, classes));
    return div(sum(mul(losses, shared)), maximum(sum(shared), 1));
  });
}
