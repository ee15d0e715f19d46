import { integer, numberIn, optional, type Rules } from '../../arguments.js';
import { axisOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { normOperation, normProblem } from './norm.js';
import { axisLayout } from './norm-groups.js';

export interface L2NormalizeOptions {
  /** Counted from the end when negative; default the last. */
  readonly axis?: number;
  /** Least norm to divide by; default 1e-12. */
  readonly eps?: number;
}

const l2NormalizeRules: Rules<L2NormalizeOptions> = { axis: optional(integer()), eps: optional(numberIn(0)) };

export const l2NormalizeOperation = normOperation(
  { name: 'l2Normalize', operands: { x: 'required' }, options: l2NormalizeRules },
  ({ x }: { x: Tensor }, { axis = -1, eps = 1e-12 }: L2NormalizeOptions) => {
    return normProblem({ x }, { eps }, 'norm', axisLayout(x.shape, axisOf(axis, x.rank)));
  },
);

/** `x / max(‖x‖₂, eps)` along an axis. @throws ShapeError, DtypeError, OptionError */
export function l2Normalize(x: Tensor, options: L2NormalizeOptions = {}): Tensor {
  return l2NormalizeOperation.run({ x }, options).output;
}
