import castKernel from '../../../kernels/array/cast.wgsl.js';
import { anyDtype, type Dtype } from '../../tensor/dtype.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { unitsEach } from './elements.js';

interface CastProblem {
  readonly shape: Shape;
  readonly from: Dtype;
  readonly to: Dtype;
}

export const castOperation = defineOperation<{ x: Tensor }, { to: Dtype }, CastProblem, { output: Tensor }>({
  name: 'cast',
  operands: { x: 'required' },
  options: { to: anyDtype },
  problem({ x }, { to }) {
    return { shape: x.shape, from: x.dtype, to };
  },
  outputs: ({ shape, to }) => ({ output: { shape, dtype: to } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { shape }) => sizeOf(shape) % 4 === 0,
      run: (runtime, { x }, { output }, { from, to }) =>
        launch(x, output, x.size / 4, unitsEach(runtime.traits), {
          Source: from,
          Target: to,
          From: 'vec4<Source>',
          To: 'vec4<Target>',
        }),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, { x }, { output }, { from, to }) => launch(x, output, x.size, 1, { Source: from, Target: to }),
    },
  ],
  flops: ({ shape }) => sizeOf(shape),
  reduction: () => 1,
});

function launch(x: Tensor, out: Tensor, count: number, items: number, types: Record<string, string>): void {
  x.runtime.launch({
    kernel: castKernel,
    constants: { ITEMS: items, ...types },
    buffers: { x, out },
    params: { count },
    workgroups: spread(count, workgroupSize * items),
  });
}

/**
 * `x` in another type. Floats become whole numbers by rounding towards zero, within the range of the type; i32 and
 * u32 become each other bit by bit; a float too large for f16 has no specified value.
 */
export function cast(x: Tensor, to: Dtype): Tensor {
  return castOperation.run({ x }, { to }).output;
}
