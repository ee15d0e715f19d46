import { integer, optional } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkCall, type Signature } from '../call.js';
import { groupNorm } from './group-norm.js';
import { layerNorm } from './layer-norm.js';
import { type NormOperands, type NormOptions, normOperands, normRules } from './norm.js';

export interface StylizeOptions extends NormOptions {
  /** Groups of a GroupNorm of `x` (B, C, …); absent for a LayerNorm of `x` (B, …, C). */
  readonly groups?: number;
}

const signature: Signature<Parameters<typeof stylize>[0], StylizeOptions> = {
  operands: { ...normOperands, scale: 'required', shift: 'required' },
  options: { ...normRules, groups: optional(integer(1)) },
};

/**
 * Stylization `activation(Norm(x) · (1 + scale) + shift)`, in one kernel: MotionDiffuse's form (Zhang et al. 2022) of
 * equation 6 of the moment-detection diffusion paper. `scale` and `shift` (B, C) are projected from the time
 * embedding; the activation is SiLU unless another is given.
 * @throws ShapeError, DtypeError, OptionError
 */
export function stylize(
  operands: NormOperands & { readonly scale: Tensor; readonly shift: Tensor },
  options: StylizeOptions = {},
): Tensor {
  checkCall('stylize', signature, operands, options);
  const { groups, activation = 'silu', ...others } = options;
  const styled = { ...others, activation };
  return groups === undefined ? layerNorm(operands, styled) : groupNorm(operands, { ...styled, groups });
}
