import whereKernel from '../../../kernels/array/where.wgsl.js';
import { anyNumber, checkArgument, optional } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { broadcastShapes, type Shape, sizeOf } from '../../tensor/shape.js';
import { checkTensor, expectDtype, Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { anyOperand, type Operand } from './binary.js';
import { arithmeticType, numberBits, unitsEach } from './elements.js';
import { broadcastStrides, coalesce, inVectors, vectorizable, type Walk, walkParams } from './strides.js';

interface WhereOptions {
  /** Stand in the place of the operand that is absent. */
  readonly a?: number | undefined;
  readonly b?: number | undefined;
}

interface WhereProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly maskDtype: Dtype;
  readonly numbers: WhereOptions;
  /** Operands mask, a and b, in elements. */
  readonly walk: Walk;
}

interface WhereOperands {
  readonly mask: Tensor;
  readonly a?: Tensor | undefined;
  readonly b?: Tensor | undefined;
}

export const whereOperation = defineOperation<WhereOperands, WhereOptions, WhereProblem, { output: Tensor }>({
  name: 'where',
  operands: { mask: 'required', a: 'optional', b: 'optional' },
  options: { a: optional(anyNumber), b: optional(anyNumber) },
  problem({ mask, a, b }, numbers) {
    if ((a === undefined) !== (numbers.a !== undefined) || (b === undefined) !== (numbers.b !== undefined)) {
      throw new OptionError('a and b must each be a tensor or a number');
    }
    if (a && b) expectDtype(b, 'b', a.dtype);
    const dtype = (a ?? b)?.dtype ?? 'f32';
    const shapes = [mask.shape, a?.shape ?? [], b?.shape ?? []];
    const shape = shapes.reduce(broadcastShapes);
    const strides = shapes.map((own) => broadcastStrides(own, shape));
    return { shape, dtype, maskDtype: mask.dtype, numbers, walk: coalesce(shape, strides) };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { walk }) => vectorizable(walk),
      run(runtime, operands, { output }, problem) {
        const [mask, a, b] = problem.walk.strides.map((own) => own.at(-1) !== 0);
        launch(runtime, operands, output, problem, inVectors(problem.walk), {
          ITEMS: unitsEach(runtime.traits),
          Mask: mask ? 'vec4<MaskElement>' : 'MaskElement',
          MaskOut: 'vec4<MaskElement>',
          A: a ? 'vec4<Element>' : 'Element',
          B: b ? 'vec4<Element>' : 'Element',
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
  { mask, a, b }: WhereOperands,
  out: Tensor,
  { dtype, maskDtype, numbers }: WhereProblem,
  walk: Walk,
  types: Readonly<Record<string, string | number>> & { readonly ITEMS: number },
): void {
  const count = sizeOf(walk.sizes);
  runtime.launch({
    kernel: whereKernel,
    constants: {
      AXES: walk.sizes.length,
      A_NUMBER: a === undefined,
      B_NUMBER: b === undefined,
      Element: dtype,
      Number: arithmeticType(dtype),
      MaskElement: maskDtype,
      ...types,
    },
    buffers: { mask, a, b, out },
    params: {
      count,
      a_number: numberBits(numbers.a ?? 0, dtype),
      b_number: numberBits(numbers.b ?? 0, dtype),
      ...walkParams(walk, 'mask', 'a', 'b'),
    },
    workgroups: spread(count, workgroupSize * types.ITEMS),
  });
}

/**
 * `a` where `mask` is not 0, else `b`; all three broadcast together. `mask` has any type, `a` and `b` one type;
 * either may be a number (f32 where both are). @throws ShapeError, DtypeError
 */
export function where(mask: Tensor, a: Operand, b: Operand): Tensor {
  return choose('where', mask, a, b);
}

/** `x` with `value` wherever `mask`, which broadcasts against it, is not 0. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  checkTensor('maskedFill', 'x', x);
  checkTensor('maskedFill', 'mask', mask);
  checkArgument('maskedFill', 'value', value, anyNumber);
  return choose('maskedFill', mask, value, x);
}

function choose(as: string, mask: Tensor, a: Operand, b: Operand): Tensor {
  checkArgument(as, 'a', a, anyOperand);
  checkArgument(as, 'b', b, anyOperand);
  const numbers = {
    a: a instanceof Tensor ? undefined : a,
    b: b instanceof Tensor ? undefined : b,
  };
  const operands = {
    mask,
    a: a instanceof Tensor ? a : undefined,
    b: b instanceof Tensor ? b : undefined,
  };
  return whereOperation.run(operands, numbers, { as }).output;
}
