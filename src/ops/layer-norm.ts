import { axisOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type NormLayout, type NormOperands, type NormOptions, normOperation, normProblem } from './norm.js';

export const layerNormOperation = normOperation('layerNorm', (operands: NormOperands, options: NormOptions) =>
  normProblem(operands, options, 'variance', rows(operands.x)),
);

export const rmsNormOperation = normOperation('rmsNorm', (operands: NormOperands, options: NormOptions) =>
  normProblem(operands, options, 'meanSquare', rows(operands.x)),
);

/**
 * LayerNorm (Ba et al. 2016) over the last axis of `x` (B, …, C), with stylization and activation:
 * `activation(((x − mean) / √(variance + eps) · weight + bias) · (1 + scale) + shift)`.
 * Every operand but `x` is optional.
 * @throws ShapeError, DtypeError, OptionError
 */
export function layerNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  return layerNormOperation.run(operands, options).output;
}

/**
 * RMSNorm (Zhang and Sennrich 2019) over the last axis of `x` (B, …, C), in f32 as LLaMA does:
 * `x / √(mean(x²) + eps) · weight`. It takes the other operands of {@link layerNorm} too.
 * @throws ShapeError, DtypeError, OptionError
 */
export function rmsNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  return rmsNormOperation.run(operands, options).output;
}

/** Each row of the last axis is a group, each element of it a channel; a sample is an entry of the first axis. */
function rows({ shape, size, rank }: Tensor): NormLayout {
  axisOf(-1, rank);
  const span = shape.at(-1)!;
  const groups = size / span;
  const sampleGroups = rank > 1 ? groups / shape[0]! : 1;
  return { groups, span, stride: 1, spatial: 1, channelGroups: 1, sampleGroups };
}
