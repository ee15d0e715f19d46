import { stopGradient } from '../../../autograd/value-and-grad.js';
import { div, maximum, mul, sub } from '../../../ops/array/binary.js';
import { gather } from '../../../ops/array/gather.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { topK } from '../../../ops/array/topk.js';
import { clamp, exp, log, scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { snippetCount } from './top-snippets.js';

/** α = e + 1 of logits: the evidence e is their exponential, logits limited to ±10 (DELU). */
export function dirichlet(logits: Tensor): Tensor {
  return logits.runtime.scope(() => scaleShift(exp(clamp(logits, -10, 10)), 1, 1));
}

/**
 * DELU's evidential loss of a video (Chen et al., ECCV 2022, section 3.3): the logits of the ⌊T / ratio⌋ snippets with the
 * most attention, their mean, are evidence of C classes, with a Dirichlet distribution α, S = Σ α and the uncertainty
 * u = C / S. The loss is Σ g (log S − log α), g = (1 − u) n (y/α) / Σ (y/α) for a video of n classes, so that the classes with the
 * least evidence count most. No gradient goes through u.
 * @param cas (B, T, K), the suppressed one; the background is not a class here
 * @param attention (B, T)
 * @param labels (B, K − 1); a video without a class counts 0
 * @returns the mean over the videos, one element
 */
export function evidence(cas: Tensor, attention: Tensor, labels: Tensor, ratio: number): Tensor {
  return cas.runtime.scope(() => {
    const [batch, steps] = cas.shape as [number, number, number];
    const classes = labels.shape[1]!;
    const k = snippetCount(steps, ratio);
    const { indices } = topK(stopGradient(attention), k);
    const chosen = gather({ x: cas, ids: indices.reshape([batch, k, 1]) }, { axis: 1 });
    const alpha = dirichlet(narrow(mean(chosen, { axes: 1 }), 1, 0, classes));
    const total = sum(alpha, { axes: 1, keepDims: true });
    const certainty = stopGradient(sub(1, div(classes, total)));
    const shares = div(labels, alpha);
    const normed = div(shares, maximum(sum(shares, { axes: 1, keepDims: true }), 1e-6));
    const counts = sum(labels, { axes: 1, keepDims: true });
    const weights = mul(mul(certainty, counts), normed);
    return mean(sum(mul(weights, sub(log(total), log(alpha))), { axes: 1 }));
  });
}
