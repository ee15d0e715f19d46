import type { Dtype } from '../tensor/dtype.js';
import { dtypeBytes, halfBits } from '../tensor/dtype.js';
import type { Runtime } from '../tensor/runtime.js';
import { checkShape, type Shape, sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { numberBits } from './elements.js';
import { spread } from './grid.js';
import { defineOperation } from './op.js';

interface FillOptions {
  readonly shape: Shape;
  readonly value: number;
  readonly dtype: Dtype;
}

interface FillProblem extends FillOptions {
  /** Words that the elements take, the last one perhaps half used. */
  readonly words: number;
}

export const fillOperation = defineOperation<
  Record<string, never>,
  FillOptions,
  FillProblem,
  { output: Tensor }
>({
  name: 'fill',
  problem(_, { shape, value, dtype }) {
    checkShape(shape);
    return { shape, value, dtype, words: Math.ceil((sizeOf(shape) * dtypeBytes[dtype]) / 4) };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { words }) => words % 4 === 0,
      run: (runtime, _, { output }, { words, value, dtype }) =>
        launch(runtime, output, words / 4, 'vec4<u32>', value, dtype),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (runtime, _, { output }, { words, value, dtype }) =>
        launch(runtime, output, words, 'u32', value, dtype),
    },
  ],
  flops: () => 0,
  reduction: () => 1,
});

function launch(
  runtime: Runtime,
  out: Tensor,
  count: number,
  unit: string,
  value: number,
  dtype: Dtype,
): void {
  const bits = dtype === 'f16' ? halfBits(value) * 0x1_0001 : numberBits(value, dtype);
  runtime.launch({
    kernel: 'elementwise/fill',
    constants: { Unit: unit },
    buffers: { out },
    params: { count, bits },
    workgroups: spread(count),
  });
}

/** A tensor with one number in every element, made on the device. @throws ShapeError, OptionError */
export function fill(runtime: Runtime, shape: Shape, value: number, dtype: Dtype = 'f32'): Tensor {
  return fillOperation.run({}, { shape, value, dtype }, { runtime }).output;
}
