import { add, div, mul } from '../../../ops/array/binary.js';
import { pad } from '../../../ops/array/pad.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { neg } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { snippetCount, topMean } from './top-snippets.js';

/**
 * Multiple instance learning by a softmax (W-TALC, CO2-Net): the mean of the ⌊T / ratio⌋ largest logits of each class is
 * the logit of the video, and the loss the cross-entropy with the labels as shares, ŷ = y / (Σ y + 10⁻⁴).
 * @param cas (B, T, K)
 * @param labels (B, K − 1), 1 where the video has the class
 * @param background label of the background, the last class: 1 for the CAS as it is, 0 for the suppressed one
 * @returns the mean over the videos, one element
 */
export function softmaxMil(cas: Tensor, labels: Tensor, ratio: number, background: 0 | 1): Tensor {
  return cas.runtime.scope(() => {
    const logits = topMean(cas, snippetCount(cas.shape[1]!, ratio));
    const all = pad(labels, { before: [0, 0], after: [0, 1], value: background });
    const shares = div(all, add(sum(all, { axes: 1, keepDims: true }), 1e-4));
    return neg(mean(sum(mul(shares, logSoftmax(logits)), { axes: 1 })));
  });
}
