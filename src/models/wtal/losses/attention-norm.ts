import { add } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** The mean of attentions (B, T), one element (CO2-Net's L_norm): snippets are background unless something speaks for them. */
export function attentionNorm(attentions: readonly Tensor[]): Tensor {
  return attentions[0]!.runtime.scope(() =>
    scaleShift(attentions.map((attention) => mean(attention)).reduce(add), 1 / attentions.length, 0),
  );
}
