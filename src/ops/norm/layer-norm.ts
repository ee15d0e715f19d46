import { axisOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { activated } from '../array/activated.js';
import {
  type NormOperands,
  type NormOptions,
  normOperands,
  normOperation,
  normProblem,
  normRules,
} from './norm.js';
import { type NormLayout, rowLayout } from './norm-groups.js';

const signature = { operands: normOperands, options: normRules };

export const layerNormOperation = normOperation(
  { name: 'layerNorm', ...signature },
  (operands: NormOperands, options: NormOptions) =>
    normProblem(operands, options, 'variance', rows(operands.x)),
);

export const rmsNormOperation = normOperation(
  { name: 'rmsNorm', ...signature },
  (operands: NormOperands, options: NormOptions) =>
    normProblem(operands, options, 'meanSquare', rows(operands.x)),
);

/**
 * LayerNorm (Ba et al. 2016) over the last axis of `x` (B, …, C), with stylization and activation:
 * `activation(((x − mean) / √(variance + eps) · weight + bias) · (1 + scale) + shift)`.
 * Every operand but `x` is optional.
 * @throws ShapeError, DtypeError, OptionError
 */
export function layerNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  layerNormOperation.check(operands, options);
  return activated(operands, options, (plain) => layerNormOperation.run(operands, plain).output);
}

/**
 * RMSNorm (Zhang and Sennrich 2019) over the last axis of `x` (B, …, C), in f32 as LLaMA does:
 * `x / √(mean(x²) + eps) · weight`. It takes the other operands of {@link layerNorm} too.
 * @throws ShapeError, DtypeError, OptionError
 */
export function rmsNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  rmsNormOperation.check(operands, options);
  return activated(operands, options, (plain) => rmsNormOperation.run(operands, plain).output);
}

function rows({ shape, rank }: Tensor): NormLayout {
  axisOf(-1, rank);
  return rowLayout(shape);
}
