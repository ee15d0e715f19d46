import { sum } from '../../ops/array/reduce.js';
import { sumTo } from '../../ops/array/sum-to.js';
import { matmulOperation } from '../../ops/matmul/matmul.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gradientOf } from '../gradient-rule.js';
import { asDtype } from './as-dtype.js';
import { expectNoActivation } from './fused-activation.js';

export const matmulRules = [
  gradientOf(matmulOperation, {
    keeps: () => ({ inputs: ['a', 'b'] }),
    rule({ inputs: { a, b }, shapes, options, problem, gradients, wants }) {
      expectNoActivation('matmul', options);
      const gradient = asDtype(gradients.output!, problem.dtype);
      const { transposeA = false, transposeB = false } = options;
      const operand = { a, b, gradient };
      if (problem.batches === 1 && !transposeA) {
        // One b for all rows of a: the batches are only more rows.
        operand.a = a.reshape([-1, problem.k]);
        operand.gradient = gradient.reshape([-1, problem.n]);
      }
      return {
        ...(wants('a') && { a: sumBatches(gradientOfA(operand, transposeA, transposeB), shapes.a) }),
        ...(wants('b') && { b: sumBatches(gradientOfB(operand, transposeA, transposeB), shapes.b) }),
        ...(wants('bias') && { bias: sumTo(gradient, shapes.bias!) }),
      };
    },
  }),
];

interface GradientOperands {
  readonly a: Tensor;
  readonly b: Tensor;
  /** (…, M, N) */
  readonly gradient: Tensor;
}

function gradientOfA({ b, gradient }: GradientOperands, transposeA: boolean, transposeB: boolean): Tensor {
  return transposeA
    ? matmulOperation.run({ a: b, b: gradient }, { transposeA: transposeB, transposeB: true }).output
    : matmulOperation.run({ a: gradient, b }, { transposeB: !transposeB }).output;
}

function gradientOfB({ a, gradient }: GradientOperands, transposeA: boolean, transposeB: boolean): Tensor {
  return transposeB
    ? matmulOperation.run({ a: gradient, b: a }, { transposeA: true, transposeB: transposeA }).output
    : matmulOperation.run({ a, b: gradient }, { transposeA: !transposeA }).output;
}

/** The gradient of an operand from one for each batch, where all batches had the same. */
function sumBatches(gradient: Tensor, shape: Shape): Tensor {
  const matrix = shape.slice(-2);
  if (sizeOf(shape) === gradient.size) return gradient.reshape(shape);
  return sum(gradient.reshape([-1, ...matrix]), { axes: 0 }).reshape(shape);
}
