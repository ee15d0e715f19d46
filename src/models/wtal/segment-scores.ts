import { add } from '../../ops/array/binary.js';
import { softmax } from '../../ops/array/softmax.js';
import { scaleShift } from '../../ops/array/unary.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { BaseOutputs } from './base.js';

/**
 * The score of each snippet and class in the family of ActionDiff, (softmax(cas) + mean actionness) / 2: (B, T, K). The mean is
 * over the attentions of the modalities and the actionness of a base, four in the family's; of the attention alone where
 * there are none (ours).
 */
export function segmentScores({ cas, attention, modalAttentions, actionness }: BaseOutputs): Tensor {
  return cas.runtime.scope(() => {
    const found = [...modalAttentions, ...actionness];
    const sequences = found.length === 0 ? [attention] : found;
    const action = scaleShift(sequences.reduce(add), 1 / sequences.length, 0);
    return scaleShift(add(softmax(cas), action.reshape([...action.shape, 1])), 0.5, 0);
  });
}
