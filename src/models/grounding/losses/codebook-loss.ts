import { stopGradient } from '../../../autograd/value-and-grad.js';
import { add } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { meanSquaredError } from '../../../ops/loss/mean-squared-error.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { RetrievedCodes } from '../masra/codebook.js';

/**
 * MASRA's loss of the codebook (equation 2), as in VQ-VAE (van den Oord et al., arXiv:1711.00937): ‖sg(c) − b‖² + β ‖c − sg(b)‖², b
 * being the mean of the codes that a context c retrieves and sg without gradient. The mean over the batch and the numbers of a
 * vector, one element.
 * @param commitment β
 */
export function codebookLoss(
  { context, tokens }: Pick<RetrievedCodes, 'context' | 'tokens'>,
  commitment: number,
): Tensor {
  return context.runtime.scope(() => {
    const codes = mean(tokens, { axes: 1 });
    const drawn = meanSquaredError({ prediction: codes, target: stopGradient(context) });
    const committed = meanSquaredError({ prediction: context, target: stopGradient(codes) });
    return add(drawn, scaleShift(committed, commitment, 0));
  });
}
