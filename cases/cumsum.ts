import { loadReference } from '../native/index.js';
import { cumsumOperation } from '../src/ops/array/cumsum.js';
import { type Shape, sizeOf } from '../src/tensor/shape.js';
import type { CaseTable } from './support/case-table.js';
import { fill, result } from './support/host.js';

const native = loadReference<{
  cumsum(x: Float64Array, outer: number, n: number, inner: number, reverse: boolean): Float64Array;
}>();

interface CumsumSize {
  shape: Shape;
  axis?: number;
  reverse?: boolean;
}

export const cumsumCases: CaseTable<CumsumSize> = {
  operation: cumsumOperation,
  sizes: [
    { shape: [1] },
    { shape: [5] },
    { shape: [3, 70], reverse: true },
    { shape: [3, 7, 5], axis: 1 },
    { shape: [3, 7, 5], axis: -3, reverse: true },
    { shape: [2, 1, 4], axis: 1 },
    // Around the parts of `workgroup`, and long enough to be split.
    ...[1023, 1024, 1025, 2049].map((n) => ({ shape: [2, n], reverse: n % 2 === 0 })),
    { shape: [1, 20_000], reverse: true },
    { shape: [5000, 3], axis: 0 },
    { shape: [2, 1500, 2], axis: 1, reverse: true },
  ],
  long: [{ shape: [1_000_003] }, { shape: [1_000_003], reverse: true }, { shape: [500_001, 2], axis: 0 }],
  random: (fc) =>
    fc.record({
      shape: fc.tuple(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 1500 }),
        fc.integer({ min: 1, max: 4 }),
      ),
      axis: fc.integer({ min: -3, max: 2 }),
      reverse: fc.boolean(),
    }),
  benchmarks: [{ shape: [4096, 4096] }, { shape: [4096, 4096], axis: 0 }, { shape: [2 ** 24] }],
  make: ({ shape, ...options }, random) => ({
    // Long ones are equal, so that what rounding takes off does not cancel, and so small that halves hold their sum.
    inputs: { x: fill(shape, sizeOf(shape) > 25_000 ? () => 0.03 : () => 0.5 + random.normal()) },
    options,
  }),
  reference: ({ x }, { axis = -1, reverse = false }) => {
    const along = axis < 0 ? axis + x.shape.length : axis;
    const [outer, inner] = [sizeOf(x.shape.slice(0, along)), sizeOf(x.shape.slice(along + 1))];
    return { output: result(x.shape, native.cumsum(x.data, outer, x.shape[along], inner, reverse)) };
  },
};
