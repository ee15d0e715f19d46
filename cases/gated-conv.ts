import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { type Activation, activations } from '../src/ops/activation.js';
import { gateSumsOperation } from '../src/ops/conv/gate-sums.js';
import { gateSumsGradientOperation } from '../src/ops/conv/gate-sums-gradient.js';
import { gatedConv2dOperation, gatedConv2dPartialOperation } from '../src/ops/conv/gated-conv.js';
import { convSizes } from './conv.js';
import type { CaseTable } from './support/case-table.js';
import { fixed, type HostTensor, normal, result } from './support/host.js';

const native = loadReference<{
  conv2d(
    input: Float64Array,
    weight: Float64Array,
    bias: undefined,
    sizes: Int32Array,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
  gated_conv2d(
    input: Float64Array,
    weight: Float64Array,
    bias: Float64Array | undefined,
    gateWeight: Float64Array,
    gateBias: Float64Array | undefined,
    mask: Float64Array | undefined,
    sizes: Int32Array,
    activation: number,
    negativeSlope: number,
    gateChannels: number,
    maskBatches: number,
  ): Float64Array;
  gate_sums(
    sums: Float64Array,
    mask: Float64Array | undefined,
    batches: number,
    outChannels: number,
    gateChannels: number,
    plane: number,
    maskBatches: number,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
}>();

interface Size {
  batches: number;
  channels: number;
  outChannels: number;
  image: [number, number];
  kernel: [number, number];
  /** A gate for each output channel instead of one. */
  fullGate?: boolean;
  /** Channels of the condition, and whether all batches share it. */
  condition?: { channels: number; shared: boolean };
  bias?: boolean;
  mask?: 'shared' | 'per batch';
  activation?: Activation;
}

export const gatedConv2dCases: CaseTable<Size> = {
  operation: gatedConv2dOperation,
  // A mask says what counts; it is not learned.
  constants: () => ['mask'],
  sizes: [
    { batches: 1, channels: 1, outChannels: 1, image: [1, 1], kernel: [1, 1] },
    {
      batches: 2,
      channels: 4,
      outChannels: 16,
      image: [16, 8],
      kernel: [3, 3],
      bias: true,
      activation: 'relu',
    },
    { batches: 1, channels: 3, outChannels: 17, image: [9, 5], kernel: [17, 17], bias: true, mask: 'shared' },
    {
      batches: 2,
      channels: 3,
      outChannels: 5,
      image: [8, 8],
      kernel: [5, 5],
      fullGate: true,
      bias: true,
      condition: { channels: 6, shared: true },
      mask: 'per batch',
      activation: 'relu',
    },
    {
      batches: 3,
      channels: 2,
      outChannels: 33,
      image: [4, 9],
      kernel: [1, 3],
      condition: { channels: 1, shared: false },
    },
    // Around the tiles of subgroup matrices of 8 and of 16, with a gate more than they hold.
    { batches: 1, channels: 4, outChannels: 64, image: [5, 13], kernel: [3, 3], bias: true, mask: 'shared' },
    { batches: 2, channels: 3, outChannels: 128, image: [8, 8], kernel: [3, 1], activation: 'relu' },
    { batches: 1, channels: 4, outChannels: 34, image: [8, 9], kernel: [3, 3], fullGate: true, bias: true },
    // Deep enough to be summed in parts.
    {
      batches: 2,
      channels: 24,
      outChannels: 64,
      image: [5, 7],
      kernel: [5, 5],
      bias: true,
      condition: { channels: 21, shared: true },
      activation: 'relu',
    },
  ],
  long: [{ batches: 1, channels: 100_003, outChannels: 2, image: [1, 1], kernel: [1, 1] }],
  random: (fc) =>
    fc.record({
      batches: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 6 }),
      outChannels: fc.integer({ min: 5, max: 34 }),
      image: fc.tuple(fc.integer({ min: 3, max: 12 }), fc.integer({ min: 3, max: 12 })),
      kernel: fc.tuple(fc.constantFrom(1, 3, 5), fc.constantFrom(1, 3, 5)),
      fullGate: fc.boolean(),
      condition: fc.option(fc.record({ channels: fc.integer({ min: 1, max: 6 }), shared: fc.boolean() }), {
        nil: undefined,
      }),
      bias: fc.constant(true),
    }) as Arbitrary<Size>,
  benchmarks: [
    { batches: 1, channels: 128, outChannels: 128, image: [64, 16], kernel: [17, 17], activation: 'relu' },
    // The size of MS-2D-TAN's map decoder; its weight needs a binding of 303 MB.
    { batches: 1, channels: 512, outChannels: 512, image: [64, 16], kernel: [17, 17], activation: 'relu' },
  ],
  make: (size, random) => {
    const { batches, channels, outChannels, image, kernel, fullGate, condition, bias, mask } = size;
    const gateChannels = fullGate ? outChannels : 1;
    const weightChannels = channels + (condition?.channels ?? 0);
    // Weights small enough that neither the gates nor the activation saturate.
    const scale = (weightChannels * kernel[0] * kernel[1]) ** -0.5;
    return {
      inputs: {
        input: normal(random, [batches, channels, ...image]),
        condition:
          condition && normal(random, [condition.shared ? 1 : batches, condition.channels, ...image]),
        weight: normal(random, [outChannels, weightChannels, ...kernel], scale),
        bias: bias ? normal(random, [outChannels]) : undefined,
        gateWeight: normal(random, [gateChannels, weightChannels, ...kernel], scale),
        gateBias: bias ? normal(random, [gateChannels]) : undefined,
        mask: mask && normal(random, mask === 'shared' ? image : [batches, ...image]),
      },
      options: { activation: size.activation },
    };
  },
  reference: ({ input, condition, weight, bias, gateWeight, gateBias, mask }, _, size) => {
    const whole = condition ? joinChannels(input, condition) : input;
    const sizes = convSizes({ ...size, channels: whole.shape[1], padding: 'same' });
    const out = native.gated_conv2d(
      whole.data,
      weight.data,
      bias?.data,
      gateWeight.data,
      gateBias?.data,
      mask?.data,
      sizes.list,
      activations.indexOf(size.activation ?? 'none'),
      0.01,
      gateWeight.shape[0],
      mask?.shape.length === 3 ? size.batches : 1,
    );
    return { output: result([size.batches, size.outChannels, ...sizes.out], out) };
  },
};

interface PartialSize {
  batches: number;
  channels: number;
  firstChannel: number;
  outChannels: number;
  image: [number, number];
  kernel: [number, number];
  fullGate: boolean;
}

export const gatedConv2dPartialCases: CaseTable<PartialSize> = {
  operation: gatedConv2dPartialOperation,
  sizes: [
    {
      batches: 2,
      channels: 3,
      firstChannel: 2,
      outChannels: 17,
      image: [5, 9],
      kernel: [3, 3],
      fullGate: false,
    },
    {
      batches: 2,
      channels: 24,
      firstChannel: 4,
      outChannels: 9,
      image: [5, 9],
      kernel: [5, 5],
      fullGate: true,
    },
    // Around the tiles of subgroup matrices, and deep enough to be summed in parts.
    {
      batches: 1,
      channels: 60,
      firstChannel: 4,
      outChannels: 64,
      image: [7, 10],
      kernel: [3, 3],
      fullGate: false,
    },
  ],
  random: (fc) =>
    fc.record({
      batches: fc.integer({ min: 1, max: 2 }),
      channels: fc.integer({ min: 1, max: 6 }),
      firstChannel: fc.integer({ min: 0, max: 5 }),
      outChannels: fc.integer({ min: 1, max: 20 }),
      image: fc.tuple(fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 })),
      kernel: fc.tuple(fc.constantFrom(1, 3), fc.constantFrom(1, 5)),
      fullGate: fc.boolean(),
    }),
  make: ({ batches, channels, firstChannel, outChannels, image, kernel, fullGate }, random) => ({
    inputs: {
      input: normal(random, [batches, channels, ...image]),
      weight: normal(random, [outChannels, firstChannel + channels + 1, ...kernel]),
      gateWeight: normal(random, [fullGate ? outChannels : 1, firstChannel + channels + 1, ...kernel]),
    },
    options: { firstChannel },
  }),
  // The other channels of the weight see zeros.
  reference: ({ input, weight, gateWeight }, _, size) => {
    const { batches, channels, firstChannel, image } = size;
    const zeros = (count: number): HostTensor => {
      const shape = [batches, count, ...image];
      return { shape, kind: 'float', data: new Float64Array(batches * count * image[0] * image[1]) };
    };
    const before = firstChannel > 0 ? joinChannels(zeros(firstChannel), input) : input;
    const whole = joinChannels(before, zeros(1));
    const [sums, gates] = [weight, gateWeight].map((filters) => {
      const outChannels = filters.shape[0];
      const sizes = convSizes({
        ...size,
        outChannels,
        channels: firstChannel + channels + 1,
        padding: 'same',
      });
      const out = native.conv2d(whole.data as Float64Array, filters.data, undefined, sizes.list, 0, 0);
      return result([batches, outChannels, ...image], out);
    });
    return { output: fixed(joinChannels(sums!, gates!)) };
  },
};

interface GateSize
  extends Pick<Size, 'batches' | 'outChannels' | 'image' | 'fullGate' | 'mask' | 'activation'> {}

export const gateSumsCases: CaseTable<GateSize> = {
  operation: gateSumsOperation,
  constants: gatedConv2dCases.constants!,
  sizes: [
    { batches: 1, outChannels: 1, image: [1, 1] },
    { batches: 2, outChannels: 17, image: [5, 9], mask: 'shared' },
    { batches: 3, outChannels: 6, image: [4, 4], fullGate: true, mask: 'per batch' },
    ...activations.map(
      (activation) => ({ batches: 1, outChannels: 5, image: [6, 7], activation }) as GateSize,
    ),
  ],
  random: (fc) =>
    fc.record({
      batches: fc.integer({ min: 1, max: 3 }),
      outChannels: fc.integer({ min: 1, max: 20 }),
      image: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      fullGate: fc.boolean(),
      mask: fc.constantFrom('shared' as const, 'per batch' as const, undefined),
    }) as Arbitrary<GateSize>,
  benchmarks: [{ batches: 32, outChannels: 32, image: [64, 16], activation: 'silu' }],
  make: ({ batches, outChannels, image, fullGate, mask, activation }, random) => ({
    inputs: {
      sums: fixed(normal(random, [batches, outChannels + (fullGate ? outChannels : 1), ...image])),
      mask: mask && normal(random, mask === 'shared' ? image : [batches, ...image]),
    },
    options: { outChannels, activation },
  }),
  reference: ({ sums, mask }, _, { batches, outChannels, image, activation = 'none' }) => {
    const out = native.gate_sums(
      sums.data,
      mask?.data,
      batches,
      outChannels,
      sums.shape[1] - outChannels,
      image[0] * image[1],
      mask?.shape.length === 3 ? batches : 1,
      activations.indexOf(activation),
      0.01,
    );
    return { output: result([batches, outChannels, ...image], out) };
  },
};

export const gateSumsGradientCases: CaseTable<GateSize> = {
  operation: gateSumsGradientOperation,
  sizes: gateSumsCases.sizes,
  random: gateSumsCases.random,
  benchmarks: gateSumsCases.benchmarks!,
  make: (size, random) => {
    const { inputs, options } = gateSumsCases.make(size, random);
    const gradient = normal(random, [size.batches, size.outChannels, ...size.image]);
    return { inputs: { ...inputs, gradient }, options };
  },
  // Central differences: at one position a sum moves its own output, a gate those of all its channels.
  reference: ({ sums, mask, gradient }, options, size) => {
    const step = 1e-5;
    const [, channels, ...image] = sums.shape as [number, number, number, number];
    const plane = image[0] * image[1];
    const { outChannels } = size;
    const gates = channels - outChannels;
    const slope = (moves: (channel: number) => boolean) => {
      const [above, below] = [step, -step].map((shift) => {
        const data = Float64Array.from(sums.data as Float64Array, (value, i) =>
          moves(Math.floor(i / plane) % channels) ? value + shift : value,
        );
        return gateSumsCases.reference({ sums: { ...sums, data }, mask }, options, size).output!.data;
      });
      return Float64Array.from(above!, (value, i) => ((value - below![i]!) / (2 * step)) * gradient.data[i]);
    };
    const byValue = slope((channel) => channel < outChannels);
    const byGate = slope((channel) => channel >= outChannels);
    const data = new Float64Array(sums.data.length);
    byValue.forEach((value, i) => {
      const channel = Math.floor(i / plane) % outChannels;
      const start = Math.floor(i / plane / outChannels) * channels * plane + (i % plane);
      data[start + channel * plane] = value;
      data[start + (outChannels + (gates > 1 ? channel : 0)) * plane]! += byGate[i]!;
    });
    return { output: fixed(result(sums.shape, data)) };
  },
};

/** Concatenates (B, C1, H, W) and (B or 1, C2, H, W) along the channels. */
function joinChannels(first: HostTensor, second: HostTensor): HostTensor {
  const [batches, channels, ...image] = first.shape as [number, number, number, number];
  const sizeFirst = first.data.length / batches;
  const sizeSecond = second.data.length / second.shape[0]!;
  const data = new Float64Array(batches * (sizeFirst + sizeSecond));
  for (let b = 0; b < batches; b++) {
    const start = second.shape[0] === 1 ? 0 : b * sizeSecond;
    data.set(first.data.subarray(b * sizeFirst, (b + 1) * sizeFirst), b * (sizeFirst + sizeSecond));
    data.set(second.data.subarray(start, start + sizeSecond), b * (sizeFirst + sizeSecond) + sizeFirst);
  }
  return { shape: [batches, channels + second.shape[1]!, ...image], kind: 'float', data };
}
