import { add, div, maximum, sub } from '../../../ops/array/binary.js';
import { l2Norm, mean, sum } from '../../../ops/array/reduce.js';
import { relu, square } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * The uncertainty-modelling loss (Lee et al., arXiv:2006.07006): the mean feature of the snippets of the mask is at least
 * `margin` long, that of the others is short: (relu(margin − ‖action‖) + ‖background‖)².
 *
 * ActionDiff's sibling has such a loss, whose code is not public: that it is on the features and of this form is ours.
 * @param features (B, T, width)
 * @param mask (B, T), 1 and 0
 * @returns the mean over the videos, one element
 */
export function magnitudeMargin(features: Tensor, mask: Tensor, margin: number): Tensor {
  return features.runtime.scope(() => {
    const [batch, steps] = mask.shape as [number, number];
    const length = (among: Tensor) => {
      const total = matmul({ a: among.reshape([batch, 1, steps]), b: features });
      const counts = maximum(sum(among, { axes: 1 }), 1);
      return div(l2Norm(total, { axes: [1, 2] }), counts);
    };
    return mean(square(add(relu(sub(margin, length(mask))), length(sub(1, mask)))));
  });
}
