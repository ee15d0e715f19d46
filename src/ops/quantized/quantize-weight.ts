import quantizedQuantizePlainKernel from '../../../kernels/quantized/quantize_plain.wgsl.js';
import { checkArgument, checkFields, integer, optional, pairOf, type Rules } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { type Dtype, floatDtype } from '../../tensor/dtype.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { checkTensor, expectDtype, type Tensor } from '../../tensor/tensor.js';
import { checkOperands } from '../call.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import {
  formatRules,
  type QuantizationFormat,
  type QuantizedWeight,
  quantizedConstants,
  quantizedOperands,
  quantizedParams,
  quantizedShapes,
  wholeFormat,
} from './quantization.js';

export interface QuantizeOptions extends QuantizationFormat {
  /** Type of the scales; default f16 where the device has it, else f32. */
  readonly scaleDtype?: 'f32' | 'f16';
}

export const quantizeRules: Rules<QuantizeOptions> = { ...formatRules, scaleDtype: optional(floatDtype) };

interface QuantizeProblem {
  readonly rows: number;
  readonly columns: number;
  readonly format: Required<QuantizationFormat>;
  readonly dtype: Dtype;
  readonly scaleDtype: Dtype;
}

type QuantizeOutputs = { values: Tensor; scales: Tensor };

/** The largest number of each type that scales can have. */
const largestScale = { f32: 3.4028234e38, f16: 65504 };

/**
 * Factors of the scale that are tried. In 4 bits they leave 0.72 of the squared error that the largest magnitude over 7
 * leaves for normal weights in groups of 64 (0.78 without cutting, two more leave 0.71; Laplace and Student weights
 * and such with outliers give the same within 0.01). In 8 bits they would gain nothing.
 */
const factors = { 4: 5, 8: 1 };

export const quantizeWeightOperation = defineOperation<
  { weight: Tensor },
  QuantizeOptions,
  QuantizeProblem,
  QuantizeOutputs
>({
  name: 'quantizeWeight',
  operands: { weight: 'required' },
  options: quantizeRules,
  problem({ weight }, options) {
    expectDtype(weight, 'weight', 'f32', 'f16');
    const format = wholeFormat(options);
    const [rows, columns] = matrixShape(weight);
    const { scaleDtype = defaultScaleDtype(weight.runtime) } = options;
    return { rows, columns, format, dtype: weight.dtype, scaleDtype };
  },
  outputs({ rows, columns, format, scaleDtype }) {
    const { values, scales } = quantizedShapes([rows, columns], format);
    return { values: { shape: values, dtype: 'u32' }, scales: { shape: scales, dtype: scaleDtype } };
  },
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { weight }, { values, scales }, { rows, columns, format, dtype, scaleDtype }) {
        runtime.launch({
          kernel: quantizedQuantizePlainKernel,
          constants: {
            ...quantizedConstants(format, scaleDtype),
            Element: dtype,
            FACTORS: factors[format.bits],
            LARGEST_SCALE: largestScale[scaleDtype as 'f32' | 'f16'],
          },
          buffers: { weight, values, scales },
          params: { n: rows, k: columns, ...quantizedParams(format) },
          workgroups: spread(scales.size),
        });
      },
    },
  ],
  flops: ({ rows, columns, format }) => 5 * factors[format.bits] * rows * columns,
  reduction: () => 1,
});

/**
 * A weight (N, K), f32 or f16 and within one binding of the device, in fewer bits: see {@link QuantizationFormat}. In
 * 8 bits each number is off by at most half of its group's step, |scale| / 128. In 4 bits the scale is the one of a few
 * that leaves the group the least squared error; with it the largest numbers may be cut, the others are off by at most
 * half a step, |scale| / 8. What the format holds exactly stays as it is, with scales of the same type.
 * @throws ShapeError, DtypeError, OptionError
 */
export function quantizeWeight(weight: Tensor, options: QuantizeOptions): QuantizedWeight {
  return quantizeWeightOperation.run({ weight }, options);
}

/**
 * Tensors for a weight of that shape, of which `quantizeRows` then fills some rows at a time.
 * @throws OptionError
 */
export function emptyQuantized(
  runtime: Runtime,
  shape: readonly [number, number],
  options: QuantizeOptions,
): QuantizedWeight {
  checkArgument('emptyQuantized', 'runtime', runtime, anyRuntime);
  checkArgument('emptyQuantized', 'shape', shape, pairOf(integer(1)));
  checkFields('emptyQuantized', options, quantizeRules);
  const { values, scales } = quantizedShapes(shape, wholeFormat(options));
  return {
    values: runtime.empty(values, 'u32'),
    scales: runtime.empty(scales, options.scaleDtype ?? defaultScaleDtype(runtime)),
  };
}

/** Every how many rows of a quantised weight `quantizeRows` may begin. */
export function quantizedRowAlignment(weight: QuantizedWeight): number {
  checkOperands('quantizedRowAlignment', weight, quantizedOperands);
  const { values, scales } = weight;
  // Both are powers of two.
  return Math.max(values.rowAlignment, scales.rowAlignment);
}

/**
 * Quantises `weight` (some rows, K) into the rows of `target` from `begin` on, a multiple of
 * {@link quantizedRowAlignment}: so a weight can come part by part and never exist as a whole.
 * @throws ShapeError, DtypeError, OptionError, FeatureError
 */
export function quantizeRows(
  weight: Tensor,
  target: QuantizedWeight,
  begin: number,
  format: QuantizationFormat,
): void {
  checkTensor('quantizeRows', 'weight', weight);
  checkOperands('quantizeRows', target, quantizedOperands, weight.runtime);
  checkArgument('quantizeRows', 'begin', begin, integer(0));
  checkFields('quantizeRows', format, formatRules);
  const { values, scales } = target;
  weight.runtime.scope(() => {
    const part = quantizeWeight(weight, { ...format, scaleDtype: scales.dtype as 'f32' | 'f16' });
    const end = begin + weight.shape[0]!;
    values.rows(begin, end).assign(part.values);
    scales.rows(begin, end).assign(part.scales);
  });
}

function matrixShape(weight: Tensor): [number, number] {
  if (weight.rank !== 2) throw new ShapeError(`weight must have two axes, not ${weight}`);
  return weight.shape as [number, number];
}

function defaultScaleDtype({ traits }: Runtime): 'f32' | 'f16' {
  return traits.f16 ? 'f16' : 'f32';
}
