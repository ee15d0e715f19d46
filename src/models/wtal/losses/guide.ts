import { add, sub } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { softmax } from '../../../ops/array/softmax.js';
import { abs, scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * |1 − A − softmax(s)_background| of each snippet, the mean over the attentions: (B, T) (CO2-Net's L_guide before its mean).
 * @param cas (B, T, K)
 * @param attentions each (B, T)
 */
export function guideErrors(cas: Tensor, attentions: readonly Tensor[]): Tensor {
  return cas.runtime.scope(() => {
    const [batch, steps, classes] = cas.shape as [number, number, number];
    const background = narrow(softmax(cas), 2, classes - 1, 1).reshape([batch, steps]);
    const foreground = scaleShift(background, -1, 1);
    const errors = attentions.map((attention) => abs(sub(foreground, attention)));
    return scaleShift(errors.reduce(add), 1 / attentions.length, 0);
  });
}

/** The mean of {@link guideErrors}, one element: the attention is what the classifier does not call background. */
export function guide(cas: Tensor, attentions: readonly Tensor[]): Tensor {
  return cas.runtime.scope(() => mean(guideErrors(cas, attentions)));
}
