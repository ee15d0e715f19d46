import { add } from '../../ops/array/binary.js';

import { rowParts } from '../../ops/array/row-parts.js';
import { narrow } from '../../ops/array/slice.js';
import { sumTo } from '../../ops/array/sum-to.js';
import { matmul } from '../../ops/matmul/matmul.js';
import { dequantizeWeight } from '../../ops/quantized/dequantize-weight.js';
import type { QuantizationFormat, QuantizedWeight } from '../../ops/quantized/quantization.js';
import { quantizedLinearOperation } from '../../ops/quantized/quantized-linear.js';
import { type Dtype, dtypeBytes } from '../../tensor/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import { gradientOf } from '../gradient-rule.js';
import { asDtype } from './as-dtype.js';
import { expectNoActivation } from './fused-activation.js';

/** Most bytes of dequantized weight at a time. */
const partBytes = 2 ** 28;

export const quantizedRules = [
  gradientOf(quantizedLinearOperation, {
    keeps: () => ({ inputs: ['values', 'scales'] }),
    rule({ inputs, shapes, options, problem, gradients, wants }) {
      expectNoActivation('quantizedLinear', options);
      const gradient = asDtype(gradients.output!, problem.dtype);
      return {
        ...(wants('input') && { input: gradientOfInput(gradient, inputs, problem).reshape(shapes.input) }),
        ...(wants('bias') && { bias: sumTo(gradient, shapes.bias!) }),
      };
    },
  }),
];

/** The product of the gradient (…, N) and the weight as numbers, of which there are only some rows at a time. */
function gradientOfInput(
  gradient: Tensor,
  { values, scales }: QuantizedWeight,
  {
    n,
    k,
    dtype,
    format,
  }: {
    readonly n: number;
    readonly k: number;
    readonly dtype: Dtype;
    readonly format: Required<QuantizationFormat>;
  },
): Tensor {
  const { runtime } = gradient;
  const numbers = n * k * dtypeBytes[dtype];
  const limit = Math.min(runtime.traits.limits.maxStorageBufferBindingSize, partBytes);
  const rows = gradient.reshape([-1, n]);
  let sum: Tensor | undefined;
  for (const { rows: part, begin, end, partOf } of rowParts(values, (limit / numbers) * values.bytes)) {
    sum = runtime.scope(() => {
      const weight = dequantizeWeight(
        { values: part, scales: partOf(scales) },
        { ...format, columns: k, dtype: dtype as 'f32' | 'f16' },
      );
      const product = matmul({
        a: end - begin === n ? rows : narrow(rows, 1, begin, end - begin),
        b: weight,
      });
      return sum ? add(sum, product) : product;
    });
  }
  return sum!;
}
