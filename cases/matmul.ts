import { loadReference } from '../native/index.js';
import { type Activation, activations } from '../src/ops/activation.js';
import { matmulOperation } from '../src/ops/matmul/matmul.js';
import type { CaseTable } from './support/case-table.js';
import { fill, normal, result } from './support/host.js';

const native = loadReference<{
  matmul(
    a: Float64Array,
    b: Float64Array,
    bias: Float64Array | undefined,
    batches: number,
    m: number,
    n: number,
    k: number,
    batchedA: boolean,
    batchedB: boolean,
    transposeA: boolean,
    transposeB: boolean,
    activation: number,
    negativeSlope: number,
  ): Float64Array;
}>();

interface Size {
  m: number;
  n: number;
  k: number;
  /** Leading axes of each operand. */
  batchA?: number[];
  batchB?: number[];
  transposeA?: boolean;
  transposeB?: boolean;
  /** Default true. */
  bias?: boolean;
  activation?: Activation;
  outDtype?: 'f32' | 'f16';
  /** All elements are the same, so that what rounding takes off does not cancel. */
  equal?: boolean;
}

export const matmulCases: CaseTable<Size> = {
  operation: matmulOperation,
  sizes: [
    { m: 1, n: 1, k: 1, bias: false },
    { m: 1, n: 70, k: 33, transposeB: true },
    { m: 70, n: 1, k: 33, transposeB: true },
    { m: 67, n: 5, k: 9, batchA: [2], batchB: [2] },
    { m: 64, n: 64, k: 16 },
    { m: 65, n: 129, k: 17, transposeA: true },
    { m: 16, n: 64, k: 40, batchB: [3], transposeB: true },
    { m: 17, n: 8, k: 64, batchA: [2, 3] },
    { m: 9, n: 12, k: 20, batchA: [2, 2], batchB: [2, 2], transposeA: true, transposeB: true },
    { m: 12, n: 4, k: 8, batchA: [1, 1], batchB: [3], outDtype: 'f32' },
    { m: 30, n: 31, k: 257, batchA: [2], transposeA: true, outDtype: 'f32' },
    // Around the tiles of subgroup matrices of 8 and of 16.
    { m: 63, n: 66, k: 34, outDtype: 'f32' },
    { m: 65, n: 60, k: 36, batchB: [2], transposeA: true, transposeB: true },
    { m: 132, n: 128, k: 64, transposeB: true },
    { m: 129, n: 130, k: 33, transposeB: true },
    { m: 33, n: 36, k: 530, activation: 'relu' },
    { m: 4, n: 33, k: 261 },
    { m: 3, n: 68, k: 300, batchA: [2], batchB: [2], transposeB: true },
    { m: 1, n: 90, k: 3, activation: 'gelu' },
    { m: 1, n: 90, k: 3, activation: 'leaky_relu' },
  ],
  long: [
    // The kernels for GPUs are slow on a software driver.
    { m: 1, n: 3, k: 100_003, equal: true, outDtype: 'f32' },
    { m: 1, n: 2, k: 99_999, transposeB: true, equal: true, outDtype: 'f32' },
    { m: 5, n: 2, k: 60_001, transposeA: true, equal: true, outDtype: 'f32' },
  ],
  random: (fc) =>
    fc
      .record({
        m: fc.oneof(fc.integer({ min: 1, max: 80 }), fc.constant(1)),
        n: fc.oneof(fc.integer({ min: 1, max: 150 }), fc.constant(1)),
        k: fc.integer({ min: 1, max: 90 }),
        batch: fc.integer({ min: 1, max: 3 }),
        batchedA: fc.boolean(),
        batchedB: fc.boolean(),
        transposeA: fc.boolean(),
        transposeB: fc.boolean(),
      })
      // A handful of outputs may all be small by cancellation, which no bound relative to them allows for.
      .filter(({ m, n }) => m * n >= 16)
      .map(({ batch, batchedA, batchedB, ...size }) => ({
        ...size,
        ...(batchedA && { batchA: [batch] }),
        ...(batchedB && { batchB: [batch] }),
      })),
  benchmarks: [
    { m: 512, n: 512, k: 512, bias: false },
    { m: 1024, n: 1024, k: 1024, bias: false },
    { m: 1024, n: 1024, k: 1024, transposeB: true, bias: false },
    { m: 1, n: 4096, k: 4096, transposeB: true, bias: false },
  ],
  gpuBenchmarks: [
    { m: 4096, n: 4096, k: 4096, bias: false },
    { m: 4096, n: 4096, k: 4096, transposeB: true, bias: false },
    { m: 8192, n: 8192, k: 8192, bias: false },
  ],
  make: (size, random) => {
    const { m, n, k, batchA = [], batchB = [], bias = true, transposeA = false, transposeB = false } = size;
    const elements = (shape: number[]) => (size.equal ? fill(shape, () => 0.3) : normal(random, shape));
    return {
      inputs: {
        a: elements([...batchA, ...(transposeA ? [k, m] : [m, k])]),
        b: elements([...batchB, ...(transposeB ? [n, k] : [k, n])]),
        bias: bias ? normal(random, [n]) : undefined,
      },
      options: {
        transposeA,
        transposeB,
        activation: size.activation,
        negativeSlope: 0.2,
        outDtype: size.outDtype,
      },
    };
  },
  reference: (
    { a, b, bias },
    { transposeA, transposeB, activation = 'none', negativeSlope },
    { m, n, k },
  ) => {
    const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    const [batchesA, batchesB] = [a.data.length / (m * k), b.data.length / (k * n)];
    const longer = batchA.length > batchB.length ? batchA : batchB;
    const batch = batchesA === batchesB ? longer : batchesA > batchesB ? batchA : batchB;
    const out = native.matmul(
      a.data,
      b.data,
      bias?.data,
      Math.max(batchesA, batchesB),
      m,
      n,
      k,
      batchesA > 1,
      batchesB > 1,
      transposeA,
      transposeB,
      activations.indexOf(activation),
      negativeSlope,
    );
    return { output: result([...batch, m, n], out) };
  },
};
