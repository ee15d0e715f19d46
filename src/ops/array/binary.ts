import binaryKernel from '../../../kernels/array/binary.wgsl.js';
import { anyNumber, checkArgument, either, oneOf, optional, type Rule } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { broadcastShapes, type Shape, sizeOf } from '../../tensor/shape.js';
import { anyTensor, expectDtype, Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { arithmeticType, numberBits, unitsEach } from './elements.js';
import { broadcastStrides, coalesce, inVectors, vectorizable, type Walk, walkParams } from './strides.js';

/** Numbers of the operators in kernels/lib/binary.wgsl. */
const numbers = {
  add: 0,
  sub: 1,
  mul: 2,
  /** Of whole numbers: rounded towards zero, and a / 0 is a. */
  div: 3,
  maximum: 4,
  minimum: 5,
  /** |a|^b, negative for a negative base and an odd whole exponent. f32 and f16 only. */
  pow: 6,
  /** Comparisons give 1 and 0 in the operands' type. */
  equal: 7,
  notEqual: 8,
  less: 9,
  lessEqual: 10,
  greater: 11,
  greaterEqual: 12,
} as const;

export type BinaryOperator = keyof typeof numbers;

export const binaryOperators = Object.keys(numbers) as readonly BinaryOperator[];

interface BinaryOptions {
  readonly operator: BinaryOperator;
  /** Stands in the place of the operand that is absent. */
  readonly number?: number | undefined;
}

interface BinaryProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly operator: BinaryOperator;
  readonly number: number | undefined;
  /** Operands a and b, in elements. */
  readonly walk: Walk;
}

interface BinaryOperands {
  readonly a?: Tensor | undefined;
  readonly b?: Tensor | undefined;
}

export const binaryOperation = defineOperation<
  BinaryOperands,
  BinaryOptions,
  BinaryProblem,
  { output: Tensor }
>({
  name: 'binary',
  operands: { a: 'optional', b: 'optional' },
  options: { operator: oneOf(...binaryOperators), number: optional(anyNumber) },
  problem({ a, b }, { operator, number }) {
    const first = a ?? b;
    if (!first || ((a && b) === undefined) !== (number !== undefined)) {
      throw new OptionError('a and b must be two tensors, or one tensor and a number');
    }
    const { dtype } = first;
    if (a && b) expectDtype(b, 'b', dtype);
    if (operator === 'pow') expectDtype(first, a ? 'a' : 'b', 'f32', 'f16');
    const shapeA = a?.shape ?? [];
    const shapeB = b?.shape ?? [];
    const shape = broadcastShapes(shapeA, shapeB);
    const walk = coalesce(shape, [broadcastStrides(shapeA, shape), broadcastStrides(shapeB, shape)]);
    return { shape, dtype, operator, number, walk };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { walk }) => vectorizable(walk),
      run(runtime, operands, { output }, problem) {
        const type = (stride: number | undefined) => (stride === 0 ? 'Element' : 'vec4<Element>');
        const [a, b] = problem.walk.strides;
        launch(runtime, operands, output, problem, inVectors(problem.walk), {
          ITEMS: unitsEach(runtime.traits),
          Wide: 'vec4<Number>',
          WideFloat: 'vec4f',
          A: type(a!.at(-1)),
          B: type(b!.at(-1)),
          Out: 'vec4<Element>',
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, operands, { output }, problem) =>
        launch(runtime, operands, output, problem, problem.walk, { ITEMS: unitsEach(runtime.traits) }),
    },
  ],
  flops: ({ shape }) => sizeOf(shape),
  reduction: () => 1,
});

function launch(
  runtime: Tensor['runtime'],
  { a, b }: BinaryOperands,
  out: Tensor,
  { dtype, operator, number }: BinaryProblem,
  walk: Walk,
  types: Readonly<Record<string, string | number>> & { readonly ITEMS: number },
): void {
  const count = sizeOf(walk.sizes);
  runtime.launch({
    kernel: binaryKernel,
    constants: {
      OPERATOR: numbers[operator],
      AXES: walk.sizes.length,
      NUMBER: a ? (b ? 0 : 2) : 1,
      Element: dtype,
      Number: arithmeticType(dtype),
      ...types,
    },
    buffers: { a, b, out },
    params: { count, number: numberBits(number ?? 0, dtype), ...walkParams(walk, 'a', 'b') },
    workgroups: spread(count, workgroupSize * types.ITEMS),
  });
}

/** A tensor, or a number where a tensor of that number would do. */
export type Operand = Tensor | number;

export const anyOperand: Rule<Operand> = either(anyTensor, anyNumber);

/**
 * All of the functions below broadcast by NumPy's rule and take operands of one type, f32, f16, u32 or i32; the
 * result, that of a comparison too, has that type. @throws ShapeError, DtypeError
 */
function binary(operator: BinaryOperator, a: Operand, b: Operand): Tensor {
  checkArgument(operator, 'a', a, anyOperand);
  checkArgument(operator, 'b', b, anyOperand);
  const tensors = {
    a: a instanceof Tensor ? a : undefined,
    b: b instanceof Tensor ? b : undefined,
  };
  const number = a instanceof Tensor ? (b instanceof Tensor ? undefined : b) : a;
  return binaryOperation.run(tensors, { operator, number }, { as: operator }).output;
}

/** a + b. */
export function add(a: Operand, b: Operand): Tensor {
  return binary('add', a, b);
}

/** a − b. */
export function sub(a: Operand, b: Operand): Tensor {
  return binary('sub', a, b);
}

/** a · b. */
export function mul(a: Operand, b: Operand): Tensor {
  return binary('mul', a, b);
}

/** a / b; of whole numbers rounded towards zero, and a / 0 is a. */
export function div(a: Operand, b: Operand): Tensor {
  return binary('div', a, b);
}

/** The larger of a and b. */
export function maximum(a: Operand, b: Operand): Tensor {
  return binary('maximum', a, b);
}

/** The smaller of a and b. */
export function minimum(a: Operand, b: Operand): Tensor {
  return binary('minimum', a, b);
}

/** |a|^b, negative for a negative base and an odd whole exponent; f32 and f16. */
export function pow(a: Operand, b: Operand): Tensor {
  return binary('pow', a, b);
}

/** 1 where a = b, else 0. */
export function equal(a: Operand, b: Operand): Tensor {
  return binary('equal', a, b);
}

/** 1 where a ≠ b, else 0. */
export function notEqual(a: Operand, b: Operand): Tensor {
  return binary('notEqual', a, b);
}

/** 1 where a < b, else 0. */
export function less(a: Operand, b: Operand): Tensor {
  return binary('less', a, b);
}

/** 1 where a ≤ b, else 0. */
export function lessEqual(a: Operand, b: Operand): Tensor {
  return binary('lessEqual', a, b);
}

/** 1 where a > b, else 0. */
export function greater(a: Operand, b: Operand): Tensor {
  return binary('greater', a, b);
}

/** 1 where a ≥ b, else 0. */
export function greaterEqual(a: Operand, b: Operand): Tensor {
  return binary('greaterEqual', a, b);
}
