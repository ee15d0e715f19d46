import { loadReference } from '../native/index.js';
import { type ResampleOptions, resamplePixelsOperation } from '../src/ops/image/resample-pixels.js';
import type { CaseTable } from './support/case-table.js';
import { result, u32 } from './support/host.js';

const native = loadReference<{
  resample_pixels(
    pixels: Uint32Array,
    batches: number,
    height: number,
    width: number,
    outHeight: number,
    outWidth: number,
    mean: number,
    deviation: number,
  ): Float64Array;
}>();

interface Size extends ResampleOptions {
  shape: [number, number, number];
}

/** SigLIP's. */
const normalization = { mean: 0.5, deviation: 0.5 };

export const resamplePixelsCases: CaseTable<Size> = {
  operation: resamplePixelsOperation,
  sizes: [
    { shape: [1, 1, 1], height: 1, width: 1 },
    { shape: [1, 1, 2], height: 3, width: 4 },
    { shape: [2, 24, 37], height: 22, width: 22, ...normalization },
    // The same size: every pixel as it is.
    { shape: [1, 9, 12], height: 9, width: 12, ...normalization },
    { shape: [3, 7, 5], height: 19, width: 11, mean: 0.25 },
    { shape: [1, 2, 700], height: 5, width: 3 },
    { shape: [1, 301, 3], height: 10, width: 64, deviation: 0.1 },
  ],
  // A negative mean, because numbers around 0 have large errors relative to themselves.
  random: (fc) =>
    fc.record({
      shape: fc.tuple(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
      ),
      height: fc.integer({ min: 1, max: 30 }),
      width: fc.integer({ min: 1, max: 30 }),
      mean: fc.constant(-1),
      deviation: fc.constantFrom(0.5, 1, 3),
    }),
  benchmarks: [
    { shape: [1, 360, 640], height: 384, width: 384, ...normalization },
    { shape: [1, 1080, 1920], height: 384, width: 384, ...normalization },
  ],
  gpuBenchmarks: [{ shape: [32, 1080, 1920], height: 384, width: 384, ...normalization }],
  // Bytes in, f32 out.
  storages: ['f32'],
  make: ({ shape, ...options }, random) => ({
    inputs: { pixels: u32(shape, () => random.whole(0, 2 ** 32 - 1)) },
    options,
  }),
  reference: ({ pixels }, { height, width, mean = 0, deviation = 1 }) => {
    const [batches, before, across] = pixels.shape;
    const data = native.resample_pixels(pixels.data, batches, before, across, height, width, mean, deviation);
    return { output: result([batches, 3, height, width], data) };
  },
};
