import type { Arbitrary } from 'fast-check';
import { loadReference } from '../native/index.js';
import { type AveragePoolOptions, averagePoolOperation, maxPoolOperation } from '../src/ops/image/pool.js';
import { averagePoolGradientOperation, maxPoolGradientOperation } from '../src/ops/image/pool-gradient.js';
import { resizeBilinearOperation } from '../src/ops/image/resize.js';
import { resizeBilinearGradientOperation } from '../src/ops/image/resize-gradient.js';
import { type Shape, sizeOf } from '../src/tensor/shape.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, type HostTensor, normal, result } from './support/host.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  pool(x: Float64Array, sizes: Uint32Array, maximum: boolean, countPadding: boolean): Float64Array;
  pool_gradient(
    x: Float64Array | undefined,
    gradient: Float64Array,
    sizes: Uint32Array,
    maximum: boolean,
    countPadding: boolean,
  ): Float64Array;
  resize_bilinear(
    x: Float64Array,
    planes: number,
    height: number,
    width: number,
    outHeight: number,
    outWidth: number,
  ): Float64Array;
  resize_bilinear_gradient(
    gradient: Float64Array,
    planes: number,
    height: number,
    width: number,
    outHeight: number,
    outWidth: number,
  ): Float64Array;
}>();

interface PoolSize extends AveragePoolOptions {
  shape: number[];
}

const poolSizes: PoolSize[] = [
  { shape: [1, 1, 1], kernel: 1 },
  { shape: [2, 3, 64], kernel: 4 },
  { shape: [2, 3, 65], kernel: 3, stride: 2, padding: 1, countPadding: false },
  { shape: [1, 5, 27, 27], kernel: 2 },
  { shape: [2, 2, 13, 9], kernel: [3, 4], stride: [2, 1], padding: [1, 2] },
  { shape: [2, 2, 6, 11], kernel: [6, 5], stride: [1, 3], padding: [3, 0], countPadding: false },
];

/** Of long sums all are equal, so that what rounding takes off does not cancel. */
function elements(shape: Shape, random: Random): HostTensor {
  const long = sizeOf(shape) > 5000;
  return fill(shape, () => (long ? 0.3 : 0.5 + random.normal()));
}

const longPools: PoolSize[] = [
  { shape: [1, 2, 65_535], kernel: 65_535 },
  { shape: [1, 1, 1000, 1001], kernel: [1000, 1001] },
];

/** Pools over one axis or two, whose kernel fits. */
const pools = (fc: FastCheck): Arbitrary<PoolSize> =>
  fc
    .array(
      fc
        .record({ kernel: fc.integer({ min: 1, max: 6 }), stride: fc.integer({ min: 1, max: 4 }) })
        .chain(({ kernel, stride }) =>
          fc.record({
            kernel: fc.constant(kernel),
            stride: fc.constant(stride),
            padding: fc.integer({ min: 0, max: Math.floor(kernel / 2) }),
            size: fc.integer({ min: kernel, max: 30 }),
          }),
        ),
      { minLength: 1, maxLength: 2 },
    )
    .chain((axes) =>
      fc.record({
        shape: fc
          .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }))
          .map((outer) => [...outer, ...axes.map(({ size }) => size)]),
        kernel: fc.constant(axes.map(({ kernel }) => kernel)),
        stride: fc.constant(axes.map(({ stride }) => stride)),
        padding: fc.constant(axes.map(({ padding }) => padding)),
        countPadding: fc.boolean(),
      }),
    );

function poolCases(maximum: boolean): CaseTable<PoolSize> {
  return {
    operation: maximum ? maxPoolOperation : averagePoolOperation,
    sizes: poolSizes,
    long: longPools,
    random: pools,
    benchmarks: [
      { shape: [32, 1024, 64], kernel: 2 },
      { shape: [8, 1152, 27, 27], kernel: 3, stride: 2, padding: 1 },
    ],
    make: ({ shape, ...options }, random) => ({
      inputs: { x: elements(shape, random) },
      options: optionsOf(options, maximum),
    }),
    reference: ({ x }: { x: HostTensor }, options: AveragePoolOptions) => {
      const { list, outShape } = sizesOf(x.shape, options);
      const data = native.pool(x.data as Float64Array, list, maximum, options.countPadding ?? true);
      return { output: result(outShape, data) };
    },
  };
}

function poolGradientCases(maximum: boolean): CaseTable<PoolSize> {
  const { random, benchmarks } = poolCases(maximum);
  return {
    operation: maximum ? maxPoolGradientOperation : averagePoolGradientOperation,
    sizes: poolSizes,
    // Windows that overlap: the gradient of an element is a sum over those it lies in.
    long: [{ shape: [1, 1, 12_001], kernel: 6001, stride: 1 }],
    random,
    benchmarks: benchmarks!,
    // Few values, so that there are equal ones among the largest of a window.
    make: ({ shape, ...options }, random) => ({
      inputs: {
        ...(maximum && { x: fill(shape, () => random.whole(0, 9)) }),
        gradient: elements(sizesOf(shape, options).outShape, random),
      },
      options: { ...optionsOf(options, maximum), ...(!maximum && { shape }) },
    }),
    reference: ({ x, gradient }, options: AveragePoolOptions, { shape }) => {
      const { list } = sizesOf(shape, options);
      const data = native.pool_gradient(x?.data, gradient.data, list, maximum, options.countPadding ?? true);
      return { output: result(shape, data) };
    },
  };
}

/** Maximum pooling does not ask whether the padding counts. */
function optionsOf({ countPadding, ...options }: Omit<PoolSize, 'shape'>, maximum: boolean) {
  return maximum || countPadding === undefined ? options : { ...options, countPadding };
}

/** The sizes of a pooling as the reference kernels take them, and the shape of its output. */
function sizesOf(shape: Shape, { kernel, stride, padding }: AveragePoolOptions) {
  const axes = shape.length - 2;
  const each = (value: number | readonly number[], missing: number) => {
    const values = typeof value === 'number' ? Array<number>(axes).fill(value) : value;
    return axes === 1 ? [missing, values[0]!] : values;
  };
  const planes = shape[0]! * shape[1]!;
  const size = each(shape.slice(2), 1);
  const kernels = each(kernel, 1);
  const strides = each(stride ?? kernel, 1);
  const paddings = each(padding ?? 0, 0);
  const out = size.map((n, i) => Math.floor((n + 2 * paddings[i]! - kernels[i]!) / strides[i]!) + 1);
  return {
    list: Uint32Array.from([planes, ...size, ...out, ...kernels, ...strides, ...paddings]),
    outShape: [...shape.slice(0, 2), ...out.slice(-axes)],
  };
}

export const averagePoolCases = poolCases(false);
export const maxPoolCases = poolCases(true);
export const averagePoolGradientCases = poolGradientCases(false);
export const maxPoolGradientCases = poolGradientCases(true);

interface ResizeSize {
  shape: [number, number, number, number];
  height: number;
  width: number;
}

const side = (fc: FastCheck) => fc.integer({ min: 1, max: 30 });

export const resizeBilinearCases: CaseTable<ResizeSize> = {
  operation: resizeBilinearOperation,
  sizes: [
    { shape: [1, 1, 1, 1], height: 1, width: 1 },
    { shape: [1, 2, 1, 1], height: 5, width: 3 },
    // LLaDA-V's pooling of a frame's tokens.
    { shape: [1, 3, 27, 27], height: 14, width: 14 },
    { shape: [2, 2, 5, 8], height: 11, width: 3 },
    { shape: [1, 2, 9, 600], height: 9, width: 1801 },
  ],
  random: (fc) =>
    fc.record({
      shape: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), side(fc), side(fc)),
      height: side(fc),
      width: side(fc),
    }),
  benchmarks: [{ shape: [8, 1152, 27, 27], height: 14, width: 14 }],
  make: ({ shape, height, width }, random) => ({
    inputs: { x: normal(random, shape) },
    options: { height, width },
  }),
  reference: ({ x }, { height, width }) => {
    const [batch, channels, from, across] = x.shape;
    const data = native.resize_bilinear(x.data, batch * channels, from, across, height, width);
    return { output: result([batch, channels, height, width], data) };
  },
};

/** The sizes are those of the resize. */
export const resizeBilinearGradientCases: CaseTable<ResizeSize> = {
  operation: resizeBilinearGradientOperation,
  sizes: resizeBilinearCases.sizes,
  long: [{ shape: [1, 1, 1, 1], height: 1000, width: 1001 }],
  random: resizeBilinearCases.random,
  benchmarks: resizeBilinearCases.benchmarks!,
  make: ({ shape: [batch, channels, from, across], height, width }, random) => ({
    // Of one sign where the sums are long, and small enough that halves hold them.
    inputs: {
      gradient: fill([batch, channels, height, width], () =>
        height * width > 500_000 ? 0.05 * random.uniform() : random.normal(),
      ),
    },
    options: { height: from, width: across },
  }),
  reference: ({ gradient }, _, { shape, height, width }) => {
    const [batch, channels, from, across] = shape;
    const planes = batch * channels;
    const data = native.resize_bilinear_gradient(gradient.data, planes, from, across, height, width);
    return { output: result(shape, data) };
  },
};
