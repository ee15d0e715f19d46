import {
  type BinaryOperator,
  binaryOperation,
  div,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  mul,
  type Operand,
  pow,
  sub,
} from '../../ops/array/binary.js';
import { cast, castOperation } from '../../ops/array/cast.js';
import { fill } from '../../ops/array/fill.js';
import { sumTo } from '../../ops/array/sum-to.js';
import { log, unaryOperation } from '../../ops/array/unary.js';
import { unaryGradientOperation } from '../../ops/array/unary-gradient.js';
import { where, whereOperation } from '../../ops/array/where.js';
import { Tensor } from '../../tensor/tensor.js';
import { gradientOf } from '../gradient-rule.js';

/** Operators whose derivatives depend on the operands. */
const keepsOperands: ReadonlySet<BinaryOperator> = new Set(['mul', 'div', 'maximum', 'minimum', 'pow']);

/** Rules of operations on each element by itself, with broadcasting. */
export const elementwiseRules = [
  gradientOf(binaryOperation, {
    keeps: ({ operator }) => ({
      inputs: keepsOperands.has(operator) ? ['a', 'b'] : [],
      outputs: operator === 'pow' ? ['output'] : [],
    }),
    rule: ({ inputs, outputs, shapes, problem: { operator, number }, gradients, wants }) => {
      const { a = number!, b = number! } = inputs;
      const gradient = gradients.output!;
      const along = (name: 'a' | 'b', slope: () => Tensor) =>
        wants(name) ? { [name]: sumTo(slope(), shapes[name]!) } : {};
      return {
        ...along('a', () => slopeByFirst(operator, a, b, outputs.output, gradient)),
        ...along('b', () => slopeBySecond(operator, a, b, outputs.output, gradient)),
      };
    },
  }),
  gradientOf(unaryOperation, {
    keeps: () => ({ inputs: ['x'] }),
    rule: ({ inputs: { x }, options, gradients: { output } }) => ({
      x: unaryGradientOperation.run({ x, gradient: output! }, options).output,
    }),
  }),
  gradientOf(castOperation, {
    rule: ({ problem: { from }, gradients: { output } }) => ({ x: cast(output!, from) }),
  }),
  gradientOf(whereOperation, {
    keeps: () => ({ inputs: ['mask'] }),
    rule: ({ inputs: { mask }, shapes, gradients: { output }, wants }) => ({
      ...(wants('a') && { a: sumTo(where(mask, output!, 0), shapes.a!) }),
      ...(wants('b') && { b: sumTo(where(mask, 0, output!), shapes.b!) }),
      // A choice has no slope.
      ...(wants('mask') && { mask: fill(mask.runtime, mask.shape, 0, mask.dtype) }),
    }),
  }),
];

/** gradient · ∂(a op b)/∂a, of the shape of the output. Equal operands of maximum and minimum count as the first. */
function slopeByFirst(operator: BinaryOperator, a: Operand, b: Operand, y: Tensor, gradient: Tensor): Tensor {
  switch (operator) {
    case 'add':
    case 'sub':
      return gradient;
    case 'mul':
      return mul(gradient, b);
    case 'div':
      return div(gradient, b);
    case 'maximum':
      return mul(gradient, greaterEqual(a, b));
    case 'minimum':
      return mul(gradient, lessEqual(a, b));
    case 'pow': {
      // b y / a has the right sign for negative a; at 0 the limit.
      const elsewhere = div(mul(b, y), a);
      const less1 = typeof b === 'number' ? b - 1 : sub(b, 1);
      const slope = where(equal(a, 0), mul(pow(a, less1), b), elsewhere);
      return mul(gradient, slope);
    }
    default:
      return mul(gradient, 0);
  }
}

/** gradient · ∂(a op b)/∂b, of the shape of the output. */
function slopeBySecond(
  operator: BinaryOperator,
  a: Operand,
  b: Operand,
  y: Tensor,
  gradient: Tensor,
): Tensor {
  switch (operator) {
    case 'add':
      return gradient;
    case 'sub':
      return mul(gradient, -1);
    case 'mul':
      return mul(gradient, a);
    case 'div':
      return mul(gradient, mul(-1, div(div(a, b), b)));
    case 'maximum':
      return mul(gradient, less(a, b));
    case 'minimum':
      return mul(gradient, greater(a, b));
    case 'pow': {
      const magnitude = a instanceof Tensor ? maximum(a, mul(a, -1)) : Math.abs(a);
      const logarithm = magnitude instanceof Tensor ? log(magnitude) : Math.log(magnitude);
      return mul(gradient, where(equal(y, 0), 0, mul(y, logarithm)));
    }
    default:
      return mul(gradient, 0);
  }
}
