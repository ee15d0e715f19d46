import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { type Activation, activations } from '../src/ops/activation.js';
import { conv2dOperation } from '../src/ops/conv/conv.js';
import { conv2dWeightGradientOperation } from '../src/ops/conv/conv-gradient.js';
import type { Shape } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result } from './support/host.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  conv2d(
    input: Float64Array,
    weight: Float64Array,
    bias: Float64Array | undefined,
    sizes: Int32Array,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
  conv2d_weight_gradient(input: Float64Array, gradient: Float64Array, sizes: Int32Array): Float64Array;
}>();

/** Pairs are [vertical, horizontal]. */
interface Size {
  batches: number;
  channels: number;
  outChannels: number;
  image: [number, number];
  kernel: [number, number];
  stride?: [number, number];
  padding?: [number, number] | 'same';
  dilation?: [number, number];
  /** All elements are the same, so that what rounding takes off does not cancel. */
  equal?: boolean;
}

interface ForwardSize extends Size {
  bias?: boolean;
  activation?: Activation;
  /** Sums that stay f32 whatever the storage type. */
  wide?: boolean;
}

export const conv2dCases: CaseTable<ForwardSize> = {
  operation: conv2dOperation,
  sizes: [
    { batches: 1, channels: 1, outChannels: 1, image: [1, 1], kernel: [1, 1] },
    { batches: 2, channels: 8, outChannels: 16, image: [8, 8], kernel: [3, 3], padding: 'same', bias: true },
    { batches: 3, channels: 5, outChannels: 17, image: [1, 70], kernel: [1, 3], padding: 'same', bias: true },
    { batches: 1, channels: 6, outChannels: 3, image: [1, 33], kernel: [1, 2], stride: [1, 2], bias: true },
    { batches: 1, channels: 3, outChannels: 5, image: [28, 28], kernel: [14, 14], stride: [14, 14] },
    { batches: 1, channels: 2, outChannels: 1, image: [9, 5], kernel: [17, 17], padding: 'same' },
    {
      batches: 2,
      channels: 3,
      outChannels: 18,
      image: [6, 11],
      kernel: [3, 2],
      padding: [5, 7],
      dilation: [2, 3],
    },
    {
      batches: 3,
      channels: 24,
      outChannels: 70,
      image: [5, 9],
      kernel: [5, 5],
      padding: 'same',
      bias: true,
      activation: 'relu',
    },
    { batches: 1, channels: 4, outChannels: 64, image: [8, 8], kernel: [2, 2], bias: true },
    {
      batches: 2,
      channels: 9,
      outChannels: 4,
      image: [4, 4],
      kernel: [1, 1],
      bias: true,
      activation: 'gelu',
    },
    // Around the tiles of subgroup matrices of 8 and of 16, with one row more than they hold.
    { batches: 2, channels: 4, outChannels: 65, image: [5, 13], kernel: [3, 3], padding: 'same', bias: true },
    { batches: 1, channels: 5, outChannels: 129, image: [1, 130], kernel: [1, 3], bias: true },
    {
      batches: 3,
      channels: 2,
      outChannels: 63,
      image: [9, 8],
      kernel: [2, 4],
      stride: [1, 2],
      dilation: [3, 1],
    },
    // Deep enough to be summed in parts.
    {
      batches: 1,
      channels: 24,
      outChannels: 66,
      image: [7, 9],
      kernel: [5, 5],
      padding: 'same',
      bias: true,
      activation: 'relu',
    },
    { batches: 2, channels: 33, outChannels: 5, image: [8, 4], kernel: [7, 3], padding: [3, 1] },
    { batches: 1, channels: 4, outChannels: 33, image: [5, 6], kernel: [3, 3], bias: true, wide: true },
    // Around the strips of 4 and of 8 neighbours, for each number of taps, and lines that slide from lane to lane.
    { batches: 2, channels: 1, outChannels: 1, image: [9, 1], kernel: [3, 1], padding: 'same', bias: true },
    { batches: 3, channels: 33, outChannels: 3, image: [7, 7], kernel: [5, 2], padding: [2, 1] },
    { batches: 5, channels: 3, outChannels: 33, image: [11, 8], kernel: [3, 5], padding: 'same', bias: true },
    { batches: 2, channels: 3, outChannels: 9, image: [17, 9], kernel: [7, 7], padding: 'same' },
    { batches: 2, channels: 3, outChannels: 20, image: [3, 17], kernel: [9, 9], padding: 'same', bias: true },
    { batches: 2, channels: 3, outChannels: 12, image: [5, 4], kernel: [1, 3], padding: [2, 5] },
    // Taps far apart: some windows have two taps inside, some only the middle one.
    {
      batches: 2,
      channels: 6,
      outChannels: 7,
      image: [1, 130],
      kernel: [1, 5],
      padding: 'same',
      dilation: [1, 64],
      bias: true,
    },
    {
      batches: 1,
      channels: 4,
      outChannels: 5,
      image: [1, 40],
      kernel: [1, 5],
      padding: 'same',
      dilation: [1, 128],
    },
    {
      batches: 2,
      channels: 3,
      outChannels: 16,
      image: [19, 8],
      kernel: [4, 3],
      stride: [2, 1],
      dilation: [2, 1],
    },
    {
      batches: 2,
      channels: 3,
      outChannels: 16,
      image: [19, 8],
      kernel: [4, 3],
      padding: [0, 1],
      dilation: [2, 1],
    },
  ],
  // The kernels for GPUs are slow on a software driver.
  long: [
    {
      batches: 1,
      channels: 100_003,
      outChannels: 2,
      image: [1, 1],
      kernel: [1, 1],
      equal: true,
      wide: true,
    },
    {
      batches: 1,
      channels: 33_333,
      outChannels: 2,
      image: [1, 3],
      kernel: [1, 3],
      equal: true,
      wide: true,
    },
  ],
  random: windows,
  benchmarks: [3, 5, 7, 9].map((side) => ({
    batches: 1,
    channels: 128,
    outChannels: 128,
    image: [64, 64],
    kernel: [side, side],
    padding: 'same',
  })),
  make: ({ batches, channels, outChannels, image, kernel, bias, wide, equal, ...options }, random) => ({
    inputs: {
      input: elements(random, [batches, channels, ...image], equal),
      weight: elements(random, [outChannels, channels, ...kernel], equal),
      bias: bias ? normal(random, [outChannels]) : undefined,
    },
    options: { ...options, ...(wide && { outDtype: 'f32' }) },
  }),
  reference: ({ input, weight, bias }, _, size) => {
    const sizes = convSizes(size);
    const { batches, outChannels, activation = 'none' } = size;
    const out = native.conv2d(
      input.data,
      weight.data,
      bias?.data,
      sizes.list,
      activations.indexOf(activation),
      0.01,
    );
    const output = result([batches, outChannels, ...sizes.out], out);
    return { output: size.wide ? fixed(output) : output };
  },
};

export const conv2dWeightGradientCases: CaseTable<Size> = {
  operation: conv2dWeightGradientOperation,
  sizes: [
    { batches: 1, channels: 1, outChannels: 1, image: [1, 1], kernel: [1, 1] },
    { batches: 2, channels: 8, outChannels: 16, image: [8, 8], kernel: [3, 3], padding: 'same' },
    { batches: 3, channels: 5, outChannels: 17, image: [1, 70], kernel: [1, 3], padding: 'same' },
    {
      batches: 2,
      channels: 6,
      outChannels: 3,
      image: [1, 33],
      kernel: [1, 3],
      stride: [1, 2],
      padding: [0, 1],
    },
    { batches: 1, channels: 2, outChannels: 1, image: [9, 5], kernel: [17, 17], padding: 'same' },
    { batches: 2, channels: 9, outChannels: 35, image: [4, 5], kernel: [1, 1] },
    // Taps far apart: some windows have two taps inside, some only the middle one.
    {
      batches: 2,
      channels: 6,
      outChannels: 7,
      image: [1, 130],
      kernel: [1, 5],
      padding: 'same',
      dilation: [1, 64],
    },
    {
      batches: 2,
      channels: 3,
      outChannels: 18,
      image: [6, 11],
      kernel: [3, 2],
      padding: [5, 7],
      dilation: [2, 3],
    },
    // Spans that do not divide the kernel, lines shorter than a subgroup and not its multiple.
    { batches: 2, channels: 3, outChannels: 33, image: [9, 3], kernel: [5, 7], padding: 'same' },
    { batches: 1, channels: 40, outChannels: 34, image: [20, 19], kernel: [5, 5] },
    // Around the tiles of GPUs, and enough pixels to be summed in parts.
    { batches: 3, channels: 7, outChannels: 65, image: [13, 17], kernel: [3, 3], padding: 'same' },
    { batches: 2, channels: 4, outChannels: 33, image: [32, 16], kernel: [5, 5], padding: 'same' },
  ],
  long: [
    { batches: 1, channels: 1, outChannels: 2, image: [1, 100_003], kernel: [1, 1], equal: true },
    {
      batches: 1,
      channels: 1,
      outChannels: 2,
      image: [300, 333],
      kernel: [1, 3],
      padding: 'same',
      equal: true,
    },
  ],
  random: windows,
  benchmarks: [
    { batches: 32, channels: 64, outChannels: 33, image: [64, 16], kernel: [5, 5], padding: 'same' },
    { batches: 8, channels: 128, outChannels: 128, image: [1, 256], kernel: [1, 3], padding: 'same' },
  ],
  make: ({ batches, channels, outChannels, image, kernel, equal, ...options }, random) => {
    const { out } = convSizes({ batches, channels, outChannels, image, kernel, ...options });
    return {
      inputs: {
        // So small where they are equal that halves hold the sum.
        input: elements(random, [batches, channels, ...image], equal, 0.1),
        gradient: elements(random, [batches, outChannels, ...out], equal, 0.1),
      },
      options: { kernel, ...options },
    };
  },
  reference: ({ input, gradient }, _, size) => {
    const out = native.conv2d_weight_gradient(input.data, gradient.data, convSizes(size).list);
    return { output: result([size.outChannels, size.channels, ...size.kernel], out) };
  },
};

function elements(random: Random, shape: Shape, equal = false, scale = 1): HostTensor {
  return equal ? fill(shape, () => 0.3 * scale) : normal(random, shape);
}

/** Convolutions with every kind of window. */
function windows(fc: FastCheck): Arbitrary<Size> {
  return (
    fc
      .record({
        batches: fc.integer({ min: 1, max: 3 }),
        channels: fc.integer({ min: 1, max: 9 }),
        outChannels: fc.integer({ min: 5, max: 34 }),
        image: fc.tuple(fc.integer({ min: 6, max: 12 }), fc.integer({ min: 6, max: 12 })),
        kernel: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
        stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        padding: fc.tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 2, max: 4 })),
        dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      })
      // A handful of outputs may all be small by cancellation, which no bound relative to them allows for.
      .filter((size) => {
        const { out } = convSizes(size);
        return size.batches * size.outChannels * out[0] * out[1] >= 16;
      })
  );
}

/** The sizes of a convolution as the reference kernels take them, and the size of its output. */
export function convSizes({
  batches,
  channels,
  outChannels,
  image,
  kernel,
  stride = [1, 1],
  padding = [0, 0],
  dilation = [1, 1],
}: Size): { list: Int32Array; out: [number, number] } {
  const zeros = [0, 1].map((axis) =>
    padding === 'same' ? (dilation[axis]! * (kernel[axis]! - 1)) / 2 : padding[axis]!,
  );
  const out = [0, 1].map((axis) => {
    const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
    return Math.floor((image[axis]! + 2 * zeros[axis]! - reach) / stride[axis]!) + 1;
  }) as [number, number];
  const sizes = [
    batches,
    channels,
    ...image,
    outChannels,
    ...out,
    ...kernel,
    ...stride,
    ...zeros,
    ...dilation,
  ];
  return { list: Int32Array.from(sizes), out };
}
