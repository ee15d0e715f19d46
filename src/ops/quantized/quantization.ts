import { optional, type Rules, rule } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { type Dtype, dtypeBytes } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';

/**
 * How the numbers of a weight are stored. A weight W (N, K) becomes whole numbers q of 8 or 4 bits in two's complement
 * and a scale for each group of neighbours along K:
 *
 *   W[n, k] = q[n, k] · 2^(1 − bits) · scales[n, ⌊k / group⌋]
 *
 * so that the scale is about the largest element of its group, which f16 holds to 11 bits where it would not hold the
 * step of a small one. A scale may be below 0: q has one number more on that side. `values` (N, 32-bit words) holds
 * 32 / bits of q in a word, the first in the lowest bits; each row is filled up with zeros to a multiple of 32 numbers.
 * The last group of a row is shorter where `group` does not divide K.
 *
 * With f16 scales and groups of 64 a number takes 4.25 or 8.25 bits.
 */
export interface QuantizationFormat {
  readonly bits: 4 | 8;
  /** Neighbours along K that share a scale: 32, 64 (default) or 128. */
  readonly group?: 32 | 64 | 128;
}

export const formatRules: Rules<QuantizationFormat> = {
  bits: rule('4 or 8', (value) => value === 4 || value === 8),
  group: optional(rule('32, 64 or 128', (value) => value === 32 || value === 64 || value === 128)),
};

export const quantizedOperands = { values: 'required', scales: 'required' } as const;

/** A weight in a {@link QuantizationFormat}. */
export interface QuantizedWeight {
  /** u32 (N, words). */
  readonly values: Tensor;
  /** f32 or f16 (N, groups). */
  readonly scales: Tensor;
}

/** A format with nothing left open. */
export function wholeFormat({ bits, group = 64 }: QuantizationFormat): Required<QuantizationFormat> {
  return { bits, group };
}

/** Shapes of the values and the scales of a weight (N, K). */
export function quantizedShapes(
  [rows, columns]: readonly [number, number],
  { bits, group }: Required<QuantizationFormat>,
): { readonly values: Shape; readonly scales: Shape } {
  return { values: [rows, Math.ceil(columns / 32) * bits], scales: [rows, Math.ceil(columns / group)] };
}

/** The rows of a weight of so many columns. @throws DtypeError, ShapeError where it is none in this format. */
export function expectQuantized(
  { values, scales }: QuantizedWeight,
  columns: number,
  format: Required<QuantizationFormat>,
): number {
  expectDtype(values, 'values', 'u32');
  expectDtype(scales, 'scales', 'f32', 'f16');
  const [rows = 0] = values.shape;
  const wanted = quantizedShapes([rows, columns], format);
  if (`${values.shape}` !== `${wanted.values}` || `${scales.shape}` !== `${wanted.scales}`) {
    throw new ShapeError(
      `values ${values} and scales ${scales} hold no weight of ${columns} columns ` +
        `in ${format.bits} bits and groups of ${format.group}`,
    );
  }
  return rows;
}

/** The constants of lib/quantized.wgsl. */
export function quantizedConstants({ bits }: Required<QuantizationFormat>, scaleDtype: Dtype) {
  return { BITS: bits, Scale: scaleDtype };
}

/** Its parameters beside sizes. */
export function quantizedParams({ group }: Required<QuantizationFormat>) {
  return { group_log2: Math.log2(group) };
}

/** Whether the numbers of a weight, in a type, fit one binding. */
export function fitsBinding({ limits }: DeviceTraits, elements: number, dtype: Dtype): boolean {
  return elements * dtypeBytes[dtype] <= limits.maxStorageBufferBindingSize;
}
