import softmaxGradientPlainKernel from '../../../kernels/array/softmax_gradient_plain.wgsl.js';
import softmaxGradientSubgroupKernel from '../../../kernels/array/softmax_gradient_subgroup.wgsl.js';
import softmaxGradientWorkgroupKernel from '../../../kernels/array/softmax_gradient_workgroup.wgsl.js';
import { flag } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { workgroupOver } from './rows.js';

interface Operands {
  /** (…, C) f32 or f16: what softmax gave. */
  readonly output: Tensor;
  /** As output. */
  readonly gradient: Tensor;
}

interface Problem {
  readonly shape: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly log: boolean;
  readonly dtype: Dtype;
}

/** The gradient of softmax, or of its logarithm, by its operand. */
export const softmaxGradientOperation = defineOperation<
  Operands,
  { readonly log: boolean },
  Problem,
  { output: Tensor }
>({
  name: 'softmaxGradient',
  operands: { output: 'required', gradient: 'required' },
  options: { log: flag },
  problem({ output, gradient }, { log }) {
    expectDtype(output, 'output', 'f32', 'f16');
    expectDtype(gradient, 'gradient', output.dtype);
    expectShape(gradient, 'gradient', output.shape);
    const columns = output.shape.at(-1)!;
    return { shape: output.shape, rows: output.size / columns, columns, log, dtype: output.dtype };
  },
  outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
  variants: [
    {
      name: 'subgroup',
      suits: ({ subgroups }, { columns }) => subgroups && columns % 4 === 0,
      meantFor: ['software'],
      run(runtime, { output: y, gradient }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxGradientSubgroupKernel,
          constants: { WORKGROUP: runtime.traits.subgroupMaxSize, Element: dtype, LOG: log },
          buffers: { output: y, gradient, out: output },
          params: { rows, columns: columns / 4 },
          workgroups: spread(rows, 1),
        });
      },
    },
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      prefers: (_, { columns }) => columns >= 32,
      run(runtime, { output: y, gradient }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxGradientWorkgroupKernel,
          constants: { WORKGROUP: workgroupOver(columns), Element: dtype, LOG: log },
          buffers: { output: y, gradient, out: output },
          params: { rows, columns },
          workgroups: spread(rows, 1),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { output: y, gradient }, { output }, { rows, columns, log, dtype }) {
        runtime.launch({
          kernel: softmaxGradientPlainKernel,
          constants: { Element: dtype, LOG: log },
          buffers: { output: y, gradient, out: output },
          params: { rows, columns },
          workgroups: spread(rows),
        });
      },
    },
  ],
  flops: ({ rows, columns }) => 4 * rows * columns,
  reduction: ({ columns }) => columns,
});
