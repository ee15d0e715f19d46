import reverseSequenceKernel from '../../../kernels/array/reverse_sequence.wgsl.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { elementUnit, type Unit, widestUnit } from './elements.js';

interface SequenceOperands {
  readonly x: Tensor;
  readonly lengths: Tensor;
}

interface SequenceProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Elements of one step. */
  readonly width: number;
}

export const reverseSequenceOperation = defineOperation<
  SequenceOperands,
  Record<never, never>,
  SequenceProblem,
  { output: Tensor }
>({
  name: 'reverseSequence',
  operands: { x: 'required', lengths: 'required' },
  options: {},
  problem({ x, lengths }) {
    if (x.rank < 2) throw new ShapeError(`x must be (B, T, …), not ${x}`);
    expectDtype(lengths, 'lengths', 'u32');
    expectShape(lengths, 'lengths', [x.shape[0]!]);
    return { shape: x.shape, dtype: x.dtype, width: sizeOf(x.shape.slice(2)) };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'units',
      suits: (_, { dtype, width }) => widestUnit(dtype, [width]).elements > 1,
      run: (_, operands, { output }, problem) =>
        launch(operands, output, problem, widestUnit(problem.dtype, [problem.width])),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, operands, { output }, problem) =>
        launch(operands, output, problem, elementUnit(problem.dtype)),
    },
  ],
  flops: () => 0,
  reduction: () => 1,
});

function launch(
  { x, lengths }: SequenceOperands,
  out: Tensor,
  { shape, width }: SequenceProblem,
  { type, elements }: Unit,
): void {
  const count = x.size / elements;
  x.runtime.launch({
    kernel: reverseSequenceKernel,
    constants: { Unit: type },
    buffers: { x, lengths, out },
    params: { count, steps: shape[1]!, width: width / elements },
    workgroups: spread(count),
  });
}

/**
 * The first `lengths[b]` steps of sequence b backwards, its other steps as they are: `x` (B, T, …) of any type,
 * `lengths` (B) u32, a length over T counting as T. Twice is the identity. @throws ShapeError, DtypeError
 */
export function reverseSequence(operands: { readonly x: Tensor; readonly lengths: Tensor }): Tensor {
  return reverseSequenceOperation.run(operands, {}).output;
}
