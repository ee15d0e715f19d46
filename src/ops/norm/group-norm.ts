import { integer, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { activated } from '../array/activated.js';
import { checkCall } from '../call.js';
import {
  type NormOperands,
  type NormOptions,
  normOperands,
  normOperation,
  normProblem,
  normRules,
} from './norm.js';
import { channelLayout } from './norm-groups.js';

export interface GroupNormOptions extends NormOptions {
  /** Number of groups, a divisor of C. */
  readonly groups: number;
}

const groupNormRules: Rules<GroupNormOptions> = { ...normRules, groups: integer(1) };

export const groupNormOperation = normOperation(
  { name: 'groupNorm', operands: normOperands, options: groupNormRules },
  (operands: NormOperands, { groups, ...options }: GroupNormOptions) => {
    const { x } = operands;
    const [, channels] = x.shape;
    if (channels === undefined) {
      throw new ShapeError(`x must be (B, C, …), not ${x}`);
    }
    if (channels % groups !== 0) {
      throw new OptionError(`${groups} groups do not divide the ${channels} channels of ${x}`);
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
  groupNormOperation.check(operands, options);
  return activated(operands, options, (plain) => groupNormOperation.run(operands, plain).output);
}

/** InstanceNorm (Ulyanov et al. 2016) of `x` (B, C, …): {@link groupNorm} with a group for each channel. */
export function instanceNorm(operands: NormOperands, options: NormOptions = {}): Tensor {
  checkCall('instanceNorm', { operands: normOperands, options: normRules }, operands, options);
  const [, channels] = operands.x.shape;
  if (channels === undefined) {
    throw new ShapeError(`instanceNorm: x must be (B, C, …), not ${operands.x}`);
  }
  return groupNorm(operands, { ...options, groups: channels });
}
