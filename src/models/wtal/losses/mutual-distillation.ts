import { stopGradient } from '../../../autograd/value-and-grad.js';
import { add } from '../../../ops/array/binary.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { meanSquaredError } from '../../../ops/loss/mean-squared-error.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * Two attentions (B, T) that learn from each other: ½ MSE(a, b without gradient) + ½ MSE(b, a without gradient), one
 * element (CO2-Net).
 */
export function mutualDistillation(a: Tensor, b: Tensor): Tensor {
  return a.runtime.scope(() => {
    const towards = (prediction: Tensor, target: Tensor) =>
      meanSquaredError({ prediction, target: stopGradient(target) });
    return scaleShift(add(towards(a, b), towards(b, a)), 0.5, 0);
  });
}
