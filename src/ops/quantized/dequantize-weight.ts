import quantizedDequantizePlainKernel from '../../../kernels/quantized/dequantize_plain.wgsl.js';
import quantizedDequantizeVectorKernel from '../../../kernels/quantized/dequantize_vector.wgsl.js';
import { integer, optional } from '../../arguments.js';
import { type Dtype, floatDtype } from '../../tensor/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  expectQuantized,
  formatRules,
  type QuantizationFormat,
  type QuantizedWeight,
  quantizedConstants,
  quantizedOperands,
  quantizedParams,
  wholeFormat,
} from './quantization.js';

export interface DequantizeOptions extends QuantizationFormat {
  /** K: the format alone does not tell where in the last words a row ends. */
  readonly columns: number;
  /** Of the output; default f32. */
  readonly dtype?: 'f32' | 'f16';
}

interface DequantizeProblem {
  readonly rows: number;
  readonly columns: number;
  readonly format: Required<QuantizationFormat>;
  readonly scaleDtype: Dtype;
  readonly dtype: Dtype;
}

type Operands = { values: Tensor; scales: Tensor };

export const dequantizeWeightOperation = defineOperation<
  Operands,
  DequantizeOptions,
  DequantizeProblem,
  { output: Tensor }
>({
  name: 'dequantizeWeight',
  operands: quantizedOperands,
  options: { ...formatRules, columns: integer(1), dtype: optional(floatDtype) },
  problem(operands, options) {
    const { columns, dtype = 'f32' } = options;
    const format = wholeFormat(options);
    const rows = expectQuantized(operands, columns, format);
    return { rows, columns, format, scaleDtype: operands.scales.dtype, dtype };
  },
  outputs: ({ rows, columns, dtype }) => ({ output: { shape: [rows, columns], dtype } }),
  variants: [
    {
      name: 'vector',
      suits: (_, { columns }) => columns % 4 === 0,
      run: (_, operands, { output }, problem) => launch('vector', operands, output, problem),
    },
    {
      name: 'plain',
      suits: () => true,
      run: (_, operands, { output }, problem) => launch('plain', operands, output, problem),
    },
  ],
  flops: ({ rows, columns }) => rows * columns,
  reduction: () => 1,
});

function launch(
  variant: 'vector' | 'plain',
  { values, scales }: Operands,
  out: Tensor,
  { rows, columns, format, scaleDtype, dtype }: DequantizeProblem,
): void {
  values.runtime.launch({
    kernel: variant === 'vector' ? quantizedDequantizeVectorKernel : quantizedDequantizePlainKernel,
    constants: { ...quantizedConstants(format, scaleDtype), Result: dtype },
    buffers: { values, scales, out },
    params: { n: rows, k: columns, ...quantizedParams(format) },
    workgroups: spread(variant === 'vector' ? out.size / 4 : out.size),
  });
}

/**
 * The numbers (N, `columns`) of a quantised weight, f32 or f16.
 * @throws ShapeError, DtypeError, OptionError
 */
export function dequantizeWeight(weight: QuantizedWeight, options: DequantizeOptions): Tensor {
  return dequantizeWeightOperation.run(weight, options).output;
}
