import { OptionError, ShapeError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { activated } from './activated.js';
import { type NormOperands, type NormOptions, normOperation, normProblem } from './norm.js';
import { channelLayout } from './norm-groups.js';

export interface GroupNormOptions extends NormOptions {
  /** Number of groups, a divisor of C. */
  readonly groups: number;
}

export const groupNormOperation = normOperation(
  'groupNorm',
  (operands: NormOperands, { groups, ...options }: GroupNormOptions) => {
    const { x } = operands;
    const [, channels] = x.shape;
    if (channels === undefined) {
      throw new ShapeError(`groupNorm: ${x} must be (B, C, …)`);
    }
    if (!(Number.isInteger(groups) && groups > 0 && channels % groups === 0)) {
      throw new OptionError(`groupNorm: ${groups} groups do not divide the ${channels} channels of ${x}`);
    }
    return normProblem(operands, options, 'variance', channelLayout(x.shape, groups));
  },
);

/**
 * GroupNorm (Wu and He 2018) of `x` (B, C, …): the channels fall into groups, each normalized over its channels and
 * all further axes, with stylization and activation as {@link layerNorm} has them.
 * @throws ShapeError, DtypeError, OptionError
 */
export function groupNorm(operands: NormOperands, options: GroupNormOptions): Tensor {
  return activated(operands, options, (plain) => groupNormOperation.run(operands, plain).output);
}

/** InstanceNorm (Ulyanov et al. 2016) of `x` (B, C, …): {@link groupNorm} with a group for each channel. */
export function instanceNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  return groupNorm(operands, { ...options, groups: operands.x.shape[1] ?? 0 });
}
