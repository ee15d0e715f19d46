import { OptionError, ShapeError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { type NormOperands, type NormOptions, normOperation, normProblem } from './norm.js';

export interface GroupNormOptions extends NormOptions {
  /** Number of groups, a divisor of C. */
  readonly groups: number;
}

export const groupNormOperation = normOperation(
  'groupNorm',
  (operands: NormOperands, { groups, ...options }: GroupNormOptions) => {
    const { x } = operands;
    const [samples, channels] = x.shape;
    if (samples === undefined || channels === undefined) {
      throw new ShapeError(`groupNorm: ${x} must be (B, C, …)`);
    }
    if (!(Number.isInteger(groups) && groups > 0 && channels % groups === 0)) {
      throw new OptionError(`groupNorm: ${groups} groups do not divide the ${channels} channels of ${x}`);
    }
    return normProblem(operands, options, 'variance', {
      groups: samples * groups,
      span: x.size / (samples * groups),
      stride: 1,
      spatial: x.size / (samples * channels),
      channelGroups: groups,
      sampleGroups: groups,
    });
  },
);

/**
 * GroupNorm (Wu and He 2018) of `x` (B, C, …): the channels fall into groups, each normalized over its channels and
 * all further axes, with stylization and activation as {@link layerNorm} has them.
 * @throws ShapeError, DtypeError, OptionError
 */
export function groupNorm(operands: NormOperands, options: GroupNormOptions): Tensor {
  return groupNormOperation.run(operands, options).output;
}

/** InstanceNorm (Ulyanov et al. 2016) of `x` (B, C, …): {@link groupNorm} with a group for each channel. */
export function instanceNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  return groupNorm(operands, { ...options, groups: operands.x.shape[1] ?? 0 });
}
