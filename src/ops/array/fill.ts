import fillKernel from '../../../kernels/array/fill.wgsl.js';
import { anyNumber, checkArgument } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import { anyDtype, dtypeBytes, halfBits } from '../../tensor/dtype.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { checkShape, type Shape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { integers } from '../rules.js';
import { numberBits, unitsEach } from './elements.js';

interface FillOptions {
  readonly shape: Shape;
  readonly value: number;
  readonly dtype: Dtype;
}

export const fillOperation = defineOperation<object, FillOptions, FillOptions, { output: Tensor }>({
  name: 'fill',
  operands: {},
  options: { shape: integers, value: anyNumber, dtype: anyDtype },
  problem(_, { shape, value, dtype }) {
    checkShape('fill', shape);
    return { shape, value, dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { shape, dtype }) => wordsOf(shape, dtype) % 4 === 0,
      run: (_, __, { output }, { value }) => fillBy('vec4<u32>', 4, output, value),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, __, { output }, { value }) => fillBy('u32', 1, output, value),
    },
  ],
  flops: () => 0,
  reduction: () => 1,
});

/** Words that the elements take, the last one perhaps half used. */
function wordsOf(shape: Shape, dtype: Dtype): number {
  return Math.ceil((sizeOf(shape) * dtypeBytes[dtype]) / 4);
}

function fillBy(unit: 'u32' | 'vec4<u32>', wordsEach: number, out: Tensor, value: number): void {
  const { dtype } = out;
  const items = unitsEach(out.runtime.traits);
  const count = wordsOf(out.shape, dtype) / wordsEach;
  const bits = dtype === 'f16' ? halfBits(value) * 0x1_0001 : numberBits(value, dtype);
  out.runtime.launch({
    kernel: fillKernel,
    constants: { Unit: unit, ITEMS: items },
    buffers: { out },
    params: { count, bits },
    workgroups: spread(count, workgroupSize * items),
  });
}

/** Writes one number to every element of a tensor that an operation is making. */
export function fillInto(out: Tensor, value: number): void {
  if (wordsOf(out.shape, out.dtype) % 4 === 0) fillBy('vec4<u32>', 4, out, value);
  else fillBy('u32', 1, out, value);
}

/** A tensor with one number in every element, made on the device. @throws ShapeError, OptionError */
export function fill(runtime: Runtime, shape: Shape, value: number, dtype: Dtype = 'f32'): Tensor {
  checkArgument('fill', 'runtime', runtime, anyRuntime);
  return fillOperation.run({}, { shape, value, dtype }, { runtime }).output;
}
