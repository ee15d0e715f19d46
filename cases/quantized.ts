import { loadReference } from '../native/index.js';
import { type Activation, activations } from '../src/ops/activation.js';
import { dequantizeWeightOperation } from '../src/ops/quantized/dequantize-weight.js';
import { type QuantizationFormat, quantizedShapes, wholeFormat } from '../src/ops/quantized/quantization.js';
import { quantizeWeightOperation } from '../src/ops/quantized/quantize-weight.js';
import { quantizedLinearOperation } from '../src/ops/quantized/quantized-linear.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result, u32 } from './support/host.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  quantizeWeight(
    weight: Float64Array,
    rows: number,
    columns: number,
    bits: number,
    group: number,
  ): { values: Uint32Array; scales: Float64Array };
  dequantizeWeight(
    values: Uint32Array,
    scales: Float64Array,
    rows: number,
    columns: number,
    bits: number,
    group: number,
  ): Float64Array;
  matmul(...operands: unknown[]): Float64Array;
}>();

interface WeightSize extends QuantizationFormat {
  rows: number;
  columns: number;
}

/** Every number of bits with every size of groups, rows that end within words and within groups. */
const weightSizes: WeightSize[] = [
  { rows: 1, columns: 1, bits: 8 },
  { rows: 1, columns: 1, bits: 4 },
  { rows: 3, columns: 31, bits: 4, group: 32 },
  { rows: 5, columns: 65, bits: 8, group: 32 },
  { rows: 7, columns: 130, bits: 4, group: 64 },
  { rows: 2, columns: 192, bits: 8, group: 64 },
  { rows: 9, columns: 300, bits: 4, group: 128 },
  { rows: 4, columns: 129, bits: 8, group: 128 },
];

const formats = (fc: FastCheck) => ({
  bits: fc.constantFrom(4 as const, 8 as const),
  group: fc.constantFrom(32 as const, 64 as const, 128 as const),
});

const randomWeights = (fc: FastCheck) =>
  fc.record({
    rows: fc.integer({ min: 1, max: 20 }),
    columns: fc.integer({ min: 1, max: 280 }),
    ...formats(fc),
  });

interface QuantizeSize extends WeightSize {
  /** A number in fifty is this many times larger. */
  outliers?: number;
  scaleDtype?: 'f32';
}

export const quantizeWeightCases: CaseTable<QuantizeSize> = {
  operation: quantizeWeightOperation,
  sizes: [
    ...weightSizes,
    { rows: 5, columns: 140, bits: 4, scaleDtype: 'f32' },
    { rows: 5, columns: 140, bits: 8, scaleDtype: 'f32' },
    { rows: 6, columns: 256, bits: 4, outliers: 20 },
    { rows: 6, columns: 256, bits: 8, outliers: 20 },
  ],
  random: randomWeights,
  benchmarks: [
    { rows: 1024, columns: 4096, bits: 4 },
    { rows: 1024, columns: 4096, bits: 8 },
  ],
  make: ({ rows, columns, bits, group, outliers = 1, scaleDtype }, random) => ({
    inputs: {
      weight: fill([rows, columns], () => 0.02 * random.normal() * (random.uniform() < 0.02 ? outliers : 1)),
    },
    options: { bits, group, scaleDtype },
  }),
  // The device may choose another of two scales that are as good, and round a tie to the other side.
  reference: () => ({}),
  selfTestAnswers: ({ weight }, { scaleDtype }, size) =>
    scaleDtype === 'f32' ? quantized(weight, size) : {},
  verify({ values, scales }, { weight }, _, size) {
    const { rows, columns } = size;
    const { bits, group } = wholeFormat(size);
    const best = quantized(weight, size);
    // Halves have 11 bits, so that numbers come out off by up to half a step of the last of them.
    const slack = scales!.kind === 'f32' ? 1e-4 : 2 ** (bits - 1) * 2 ** -11;
    // Halves below 2^-14 are multiples of 2^-24, whatever their size.
    const smallest = scales!.kind === 'f32' ? 0 : 2 ** -24;
    const actual = dequantized({ values: values!, scales: scales! }, size);
    const wanted = dequantized(best, size);
    const groups = Math.ceil(columns / group);
    for (let i = 0; i < rows * groups; i++) {
      const row = Math.floor(i / groups);
      const begin = row * columns + (i % groups) * group;
      const end = Math.min(begin + group, (row + 1) * columns);
      const step = Math.abs(best.scales.data[i]!) / 2 ** (bits - 1);
      const error = (found: Float64Array) => {
        let sum = 0;
        for (let k = begin; k < end; k++) sum += (weight.data[k]! - found[k]!) ** 2;
        return Math.sqrt(sum);
      };
      const bound = error(wanted) * (1 + slack) + (slack * step + smallest) * Math.sqrt(end - begin);
      if (!(error(actual) <= bound)) {
        throw new Error(`group ${i} is off by ${error(actual)}, which ${error(wanted)} would do`);
      }
    }
    const [, words] = values!.shape as [number, number];
    for (let row = 0; row < rows; row++) {
      for (let bit = columns * bits; bit < words * 32; bit += bits) {
        const word = values!.data[row * words + Math.floor(bit / 32)]!;
        if ((word >>> (bit % 32)) % 2 ** bits !== 0) throw new Error(`the padding of row ${row} is not 0`);
      }
    }
  },
};

export const dequantizeWeightCases: CaseTable<WeightSize> = {
  operation: dequantizeWeightOperation,
  sizes: weightSizes,
  random: randomWeights,
  benchmarks: [
    { rows: 4096, columns: 4096, bits: 4 },
    { rows: 4096, columns: 4096, bits: 8 },
  ],
  make: (size, random) => {
    const { rows, columns, bits, group } = size;
    return { inputs: { ...randomQuantized(random, rows, columns, size) }, options: { columns, bits, group } };
  },
  reference: (inputs, _, size) => ({
    output: result([size.rows, size.columns], dequantized(inputs, size)),
  }),
};

interface LinearSize extends QuantizationFormat {
  m: number;
  n: number;
  k: number;
  /** Leading axes of the input before m. */
  batch?: number[];
  /** Default true. */
  bias?: boolean;
  activation?: Activation;
  outDtype?: 'f32' | 'f16';
  /** The scales are f32 whatever the input is. */
  wideScales?: boolean;
}

export const quantizedLinearCases: CaseTable<LinearSize> = {
  operation: quantizedLinearOperation,
  sizes: [
    { m: 1, n: 1, k: 1, bits: 8, bias: false },
    { m: 1, n: 70, k: 33, bits: 4 },
    { m: 3, n: 67, k: 200, bits: 4, group: 32 },
    { m: 8, n: 65, k: 129, bits: 8, group: 128 },
    { m: 9, n: 130, k: 96, bits: 4, group: 128, wideScales: true },
    { m: 17, n: 64, k: 64, bits: 8, group: 32 },
    { m: 65, n: 129, k: 130, bits: 4, group: 64 },
    { m: 130, n: 68, k: 192, bits: 8, group: 64 },
    { m: 2, n: 8, k: 40, batch: [2, 3], bits: 4, outDtype: 'f32' },
    // Deep enough for parts of the depth, and for more than one turn of the invocations along it.
    { m: 5, n: 36, k: 1030, bits: 8, activation: 'relu' },
    { m: 2, n: 17, k: 4200, bits: 4, group: 32 },
    { m: 16, n: 90, k: 36, bits: 4, activation: 'gelu' },
  ],
  long: [
    { m: 1, n: 3, k: 30_003, bits: 8, outDtype: 'f32' },
    { m: 9, n: 2, k: 20_001, bits: 4, group: 32, outDtype: 'f32' },
  ],
  random: (fc) =>
    fc
      .record({
        // Each small m is a kernel of its own to compile.
        m: fc.oneof(fc.integer({ min: 9, max: 80 }), fc.constant(3)),
        n: fc.integer({ min: 1, max: 150 }),
        k: fc.integer({ min: 1, max: 200 }),
        ...formats(fc),
      })
      // A handful of outputs may all be small by cancellation, which no bound relative to them allows for.
      .filter(({ m, n }) => m * n >= 16),
  benchmarks: ([4, 8] as const).flatMap((bits) => [
    { m: 1, n: 4096, k: 4096, bits, bias: false },
    { m: 64, n: 4096, k: 4096, bits, bias: false },
    { m: 512, n: 2048, k: 2048, bits, bias: false },
  ]),
  // LLaDA's 8B: the projections of attention and both sides of the feed-forward network.
  gpuBenchmarks: ([4, 8] as const).flatMap((bits) =>
    [1, 8, 64, 512, 2048].flatMap((m) => [
      { m, n: 4096, k: 4096, bits, bias: false },
      { m, n: 12_288, k: 4096, bits, bias: false },
      { m, n: 4096, k: 12_288, bits, bias: false },
    ]),
  ),
  make: (size, random) => {
    const { m, n, k, batch = [], bits, group, bias = true, activation, outDtype } = size;
    const { values, scales } = randomQuantized(random, n, k, size);
    return {
      inputs: {
        input: normal(random, [...batch, m, k]),
        values,
        scales: size.wideScales ? fixed(scales) : scales,
        bias: bias ? normal(random, [n]) : undefined,
      },
      options: { bits, group, activation, negativeSlope: 0.2, outDtype },
    };
  },
  constants: () => ['scales'],
  reference: ({ input, values, scales, bias }, { activation = 'none', negativeSlope }, size) => {
    const { n, k } = size;
    const m = input.data.length / k;
    const weight = dequantized({ values, scales }, { ...size, rows: n, columns: k });
    const out = native.matmul(
      ...[input.data, weight, bias?.data, 1, m, n, k, false, false, false, true],
      ...[activations.indexOf(activation), negativeSlope],
    );
    return { output: result([...input.shape.slice(0, -1), n], out) };
  },
};

interface HostQuantized {
  readonly values: HostTensor;
  readonly scales: HostTensor;
}

/** A weight that may have any numbers, with zeros behind its rows. */
function randomQuantized(
  random: Random,
  rows: number,
  columns: number,
  size: QuantizationFormat,
): HostQuantized {
  const format = wholeFormat(size);
  const shapes = quantizedShapes([rows, columns], format);
  const words = shapes.values[1]!;
  const values = u32(shapes.values, (i) => {
    const used = columns * format.bits - 32 * (i % words);
    const bits = random.whole(0, 2 ** 32 - 1);
    return used >= 32 ? bits : used <= 0 ? 0 : bits % 2 ** used;
  });
  return { values, scales: normal(random, shapes.scales) };
}

function quantized(weight: HostTensor, { rows, columns, ...size }: WeightSize): HostQuantized {
  const format = wholeFormat(size);
  const shapes = quantizedShapes([rows, columns], format);
  const found = native.quantizeWeight(weight.data as Float64Array, rows, columns, format.bits, format.group);
  return { values: result(shapes.values, found.values), scales: result(shapes.scales, found.scales) };
}

function dequantized(
  { values, scales }: HostQuantized,
  { rows, columns, ...size }: WeightSize,
): Float64Array {
  const { bits, group } = wholeFormat(size);
  return native.dequantizeWeight(
    values.data as Uint32Array,
    scales.data as Float64Array,
    rows,
    columns,
    bits,
    group,
  );
}
