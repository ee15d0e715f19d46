import unpackHalvesPlainKernel from '../../../kernels/array/unpack_halves_plain.wgsl.js';
import unpackHalvesVectorKernel from '../../../kernels/array/unpack_halves_vector.wgsl.js';
import { integer, oneOf, optional } from '../../arguments.js';
import { floatDtype } from '../../tensor/dtype.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread, workgroupSize } from '../grid.js';
import { defineOperation } from '../op.js';
import { unitsEach } from './elements.js';

export interface UnpackHalvesOptions {
  /** What the 16 bits are. */
  readonly format: 'bf16' | 'f16';
  /** How many there are: twice the words, or one less. */
  readonly count: number;
  /** Type of the output; default f32. */
  readonly to?: 'f32' | 'f16';
}

type UnpackHalvesProblem = Required<UnpackHalvesOptions>;

export const unpackHalvesOperation = defineOperation<
  { packed: Tensor },
  UnpackHalvesOptions,
  UnpackHalvesProblem,
  { output: Tensor }
>({
  name: 'unpackHalves',
  operands: { packed: 'required' },
  options: { format: oneOf('bf16', 'f16'), count: integer(1), to: optional(floatDtype) },
  problem({ packed }, { format, count, to = 'f32' }) {
    expectDtype(packed, 'packed', 'u32');
    expectShape(packed, 'packed', [Math.ceil(count / 2)]);
    return { format, count, to };
  },
  outputs: ({ count, to }) => ({ output: { shape: [count], dtype: to } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { count }) => count % 8 === 0,
      run(runtime, { packed }, { output }, { format, count, to }) {
        const items = unitsEach(runtime.traits);
        runtime.launch({
          kernel: unpackHalvesVectorKernel,
          constants: { ITEMS: items, BFLOAT: format === 'bf16', Target: to },
          buffers: { packed, out: output },
          params: { groups: count / 8 },
          workgroups: spread(count / 8, workgroupSize * items),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { packed }, { output }, { format, count, to }) {
        runtime.launch({
          kernel: unpackHalvesPlainKernel,
          constants: { BFLOAT: format === 'bf16', Target: to },
          buffers: { packed, out: output },
          params: { count },
          workgroups: spread(count),
        });
      },
    },
  ],
  flops: ({ count }) => count,
  reduction: () => 1,
});

/**
 * 16-bit floats of a file as elements of a tensor: `packed` u32 (⌈count / 2⌉), two in a word with the first in its low
 * half, gives f32 or f16 (count). bf16 has the range of f32: what f16 cannot hold has no specified value there.
 * @throws ShapeError, DtypeError, OptionError, FeatureError
 */
export function unpackHalves(operands: { readonly packed: Tensor }, options: UnpackHalvesOptions): Tensor {
  return unpackHalvesOperation.run(operands, options).output;
}
