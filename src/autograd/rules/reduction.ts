import { div, equal, maximum, mul, sub } from '../../ops/array/binary.js';
import { broadcastTo } from '../../ops/array/broadcast-to.js';
import { cumsum, cumsumOperation } from '../../ops/array/cumsum.js';
import { maskedMeanOperation } from '../../ops/array/masked-mean.js';
import { maskedMeanGradientOperation } from '../../ops/array/masked-mean-gradient.js';
import { type Reduction, reducedAxes, reduceOperation } from '../../ops/array/reduce.js';
import { softmaxOperation } from '../../ops/array/softmax.js';
import { softmaxGradientOperation } from '../../ops/array/softmax-gradient.js';
import { sumTo } from '../../ops/array/sum-to.js';
import { exp } from '../../ops/array/unary.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gradientOf } from '../gradient-rule.js';

/** Rules of reductions, and of the softmax, which divides by one. */
export const reductionRules = [
  gradientOf(reduceOperation, {
    keeps: ({ reduction }) =>
      reduction === 'sum' || reduction === 'mean' ? {} : { inputs: ['x'], outputs: ['output'] },
    rule({ inputs: { x }, outputs, shapes, problem, options, gradients }) {
      const shape = shapes.x;
      const reduced = new Set(reducedAxes(options, shape.length));
      const kept = shape.map((size, axis) => (reduced.has(axis) ? 1 : size));
      const gradient = gradients.output!.reshape(kept);
      return { x: slope(problem, x, outputs.output?.reshape(kept), gradient, shape) };
    },
  }),
  gradientOf(maskedMeanOperation, {
    keeps: () => ({ inputs: ['mask'] }),
    rule({ inputs: { mask }, options: { axis }, shapes, gradients }) {
      const operands = { gradient: gradients.output!, mask };
      return { x: maskedMeanGradientOperation.run(operands, { shape: shapes.x, axis }).output };
    },
  }),
  gradientOf(cumsumOperation, {
    rule: ({ options: { axis, reverse = false }, gradients: { output } }) => ({
      x: cumsum(output!, { axis, reverse: !reverse }),
    }),
  }),
  gradientOf(softmaxOperation, {
    keeps: () => ({ outputs: ['output'] }),
    rule({ outputs: { output }, problem: { log }, gradients }) {
      return { x: softmaxGradientOperation.run({ output, gradient: gradients.output! }, { log }).output };
    },
  }),
];

/** The gradient by x from that of its reduction y; both have the reduced axes with size 1. */
function slope(
  { reduction, n, dtype }: { readonly reduction: Reduction; readonly n: number; readonly dtype: Dtype },
  x: Tensor,
  y: Tensor,
  gradient: Tensor,
  shape: Shape,
): Tensor {
  switch (reduction) {
    case 'sum':
      return broadcastTo(gradient, shape);
    case 'mean':
      return broadcastTo(mul(gradient, 1 / n), shape);
    case 'max':
    case 'min': {
      // Equal largest elements share it.
      const isIt = equal(x, y);
      return mul(isIt, div(gradient, sumTo(isIt, y.shape)));
    }
    case 'prod':
      return div(mul(gradient, y), x);
    case 'l2Norm':
      // At 0, where there is no derivative, this gives 0.
      return mul(x, div(gradient, maximum(y, dtype === 'f16' ? 1e-4 : 1e-30)));
    default:
      return mul(exp(sub(x, y)), gradient);
  }
}
