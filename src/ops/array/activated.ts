import type { Tensor } from '../../tensor/tensor.js';
import type { ActivationOptions } from '../activation.js';
import { isFollowed } from '../followed.js';
import { unaryOperation } from './unary.js';

/**
 * Runs an operation that can apply an activation to its own output. While a tape records, the activation is an
 * operation by itself: its gradient needs what went into it, which the fused one never writes.
 */
export function activated<Options extends ActivationOptions>(
  operands: object,
  options: Options,
  run: (options: Options) => Tensor,
): Tensor {
  const { activation = 'none', negativeSlope } = options;
  if (activation === 'none' || !isFollowed(operands)) return run(options);
  const slope = negativeSlope === undefined ? {} : { negativeSlope };
  return unaryOperation.run(
    { x: run({ ...options, activation: 'none' }) },
    { function: activation, ...slope },
  ).output;
}
