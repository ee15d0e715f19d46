import concatKernel from '../../../kernels/array/concat.wgsl.js';
import { checkArgument, listOf } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import { type Dtype, dtypeBytes } from '../../tensor/dtype.js';
import { axisOf, type Shape, sameShape, sizeOf } from '../../tensor/shape.js';
import { anyTensor, checkTensor, expectDtype, type Tensor } from '../../tensor/tensor.js';
import type { Tensors } from '../call.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { axisRules } from '../rules.js';
import { elementUnit, type Unit, unitsEach, widestUnit } from './elements.js';

interface ConcatProblem {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Elements of one row of each operand: all from the axis on. */
  readonly widths: readonly number[];
}

export const concatOperation = defineOperation<
  Tensors,
  { readonly axis: number },
  ConcatProblem,
  { output: Tensor }
>({
  name: 'concat',
  operands: 'any',
  options: axisRules,
  problem(operands, { axis }) {
    const parts = present(operands);
    const [first] = parts;
    if (!first) throw new OptionError('parts must be one tensor or more, not none');
    const along = axisOf(axis, first.rank);
    const others = (shape: Shape) => shape.filter((_, k) => k !== along);
    for (const part of parts) {
      expectDtype(part, 'each part', first.dtype);
      if (part.rank !== first.rank || !sameShape(others(part.shape), others(first.shape))) {
        throw new ShapeError(`the parts ${parts.join(', ')} differ elsewhere than in axis ${axis}`);
      }
    }
    const length = parts.reduce((sum, part) => sum + part.shape[along]!, 0);
    return {
      shape: first.shape.map((size, k) => (k === along ? length : size)),
      dtype: first.dtype,
      widths: parts.map((part) => sizeOf(part.shape.slice(along))),
    };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'units',
      suits: (_, { dtype, widths }) => widestUnit(dtype, widths).elements > 1,
      run: (runtime, operands, { output }, { dtype, widths }) =>
        copyAll(present(operands), output, widths, widestUnit(dtype, widths), unitsEach(runtime.traits)),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, operands, { output }, { dtype, widths }) =>
        copyAll(present(operands), output, widths, elementUnit(dtype), 1),
    },
  ],
  flops: () => 0,
  reduction: () => 1,
  bytes: ({ shape, dtype }) => 2 * sizeOf(shape) * dtypeBytes[dtype],
});

function present(operands: Tensors): Tensor[] {
  return Object.values(operands).filter((tensor) => tensor !== undefined);
}

function copyAll(
  parts: readonly Tensor[],
  out: Tensor,
  widths: readonly number[],
  { type, elements }: Unit,
  items: number,
): void {
  const pitch = widths.reduce((sum, width) => sum + width, 0) / elements;
  let start = 0;
  parts.forEach((x, k) => {
    const width = widths[k]! / elements;
    const count = x.size / elements;
    x.runtime.launch({
      kernel: concatKernel,
      constants: { Unit: type, ITEMS: items },
      buffers: { x, out },
      params: { count, width, start, pitch },
      workgroups: spread(count, workgroupSize * items),
    });
    start += width;
  });
}

function checkParts(
  where: string,
  parts: readonly Tensor[],
): asserts parts is readonly [Tensor, ...Tensor[]] {
  checkArgument(where, 'parts', parts, listOf(anyTensor, 'a list of tensors'));
  if (parts.length === 0) throw new OptionError(`${where}: parts must be one tensor or more, not none`);
  parts.forEach((part, k) => {
    checkTensor(where, `parts[${k}]`, part);
  });
}

/** Tensors of one type one after the other along an axis; their other axes are equal. @throws ShapeError, DtypeError */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  checkParts('concat', parts);
  return concatOperation.run(Object.fromEntries(parts.entries()), { axis }).output;
}

/** Tensors of one shape and type as the indices of a new axis. @throws ShapeError, DtypeError */
export function stack(parts: readonly Tensor[], axis = 0): Tensor {
  checkParts('stack', parts);
  const [first] = parts;
  const along = axisOf(axis, first.rank + 1, 'stack');
  const widened = (shape: Shape) => [...shape.slice(0, along), 1, ...shape.slice(along)];
  return first.runtime.scope(() =>
    concat(
      parts.map((part) => part.reshape(widened(part.shape))),
      along,
    ),
  );
}
