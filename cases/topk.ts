import { loadReference } from '../native/index.js';
import { argmaxOperation } from '../src/ops/array/argmax.js';
import { topKOperation } from '../src/ops/array/topk.js';
import type { CaseTable } from './support/case-table.js';
import { fill, type HostTensor, normal, result, u32 } from './support/host.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  top_k(x: Float64Array, rows: number, columns: number, k: number): Uint32Array;
}>();

/** What the rows hold: all sorts of numbers, few different ones, one, or also infinities, zeros and NaN. */
const contents = ['normal', 'few', 'constant', 'special'] as const;
type Content = (typeof contents)[number];

function make(random: Random, shape: number[], content: Content): HostTensor {
  if (content === 'normal') return normal(random, shape);
  if (content === 'few') return fill(shape, () => random.whole(-2, 2) / 4);
  if (content === 'constant') return fill(shape, () => -1.5);
  const special = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, -0, Number.NaN, 6e-8, -6e-8, 1, -1];
  return fill(shape, () => special[random.whole(0, special.length - 1)]!);
}

interface TopKSize {
  rows: number;
  columns: number;
  k: number;
  content: Content;
}

export const topKCases: CaseTable<TopKSize> = {
  operation: topKOperation,
  // Equal elements, NaN, and neighbours that a step makes change places have no differences to compare with.
  constants: ({ columns, content }) => (content === 'normal' && columns <= 40 ? [] : ['x']),
  sizes: [
    { rows: 1, columns: 1, k: 1, content: 'normal' },
    { rows: 3, columns: 30, k: 30, content: 'normal' },
    { rows: 70, columns: 257, k: 5, content: 'few' },
    { rows: 2, columns: 5000, k: 300, content: 'normal' },
    { rows: 2, columns: 5000, k: 300, content: 'constant' },
    { rows: 1, columns: 70_001, k: 2, content: 'few' },
    { rows: 2, columns: 800, k: 50, content: 'special' },
  ],
  long: [{ rows: 1, columns: 1_000_003, k: 3, content: 'normal' }],
  random: (fc) =>
    fc
      .record({
        rows: fc.integer({ min: 1, max: 6 }),
        columns: fc.integer({ min: 1, max: 1500 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        content: fc.constantFrom(...contents),
      })
      .map(({ share, ...size }) => ({ ...size, k: Math.max(1, Math.round(share ** 3 * size.columns)) })),
  benchmarks: [
    { rows: 1, columns: 126_464, k: 1024, content: 'normal' },
    { rows: 64, columns: 126_464, k: 50, content: 'normal' },
    { rows: 32, columns: 2048, k: 10, content: 'normal' },
  ],
  make: ({ rows, columns, content, k }, random) => ({
    inputs: { x: make(random, [rows, columns], content) },
    options: { k },
  }),
  reference: ({ x }, { k }) => {
    const [rows, columns] = x.shape;
    const indices = native.top_k(x.data, rows, columns, k);
    return {
      // NaN compares with nothing: the indices say where it stands.
      ...(x.data.some(Number.isNaN)
        ? {}
        : { values: fill([rows, k], (i) => x.data[Math.floor(i / k) * columns + indices[i]!]) }),
      indices: u32([rows, k], (i) => indices[i]!),
    };
  },
  verify({ values }, { x }, { k }) {
    const [rows, columns] = x.shape;
    const indices = native.top_k(x.data, rows, columns, k);
    values!.data.forEach((value, i) => {
      const wanted = x.data[Math.floor(i / k) * columns + indices[i]!];
      if (!Object.is(value + 0, wanted + 0)) throw new Error(`value ${i} is ${value}, not ${wanted}`);
    });
  },
};

interface ArgmaxSize {
  rows: number;
  columns: number;
  content: Content;
}

export const argmaxCases: CaseTable<ArgmaxSize> = {
  operation: argmaxOperation,
  sizes: [
    { rows: 1, columns: 1, content: 'normal' },
    { rows: 65, columns: 255, content: 'special' },
    { rows: 3, columns: 256, content: 'constant' },
    { rows: 5, columns: 4001, content: 'few' },
    { rows: 2, columns: 126_464, content: 'normal' },
  ],
  long: [{ rows: 2, columns: 999_999, content: 'normal' }],
  random: (fc) =>
    fc.record({
      rows: fc.integer({ min: 1, max: 90 }),
      columns: fc.integer({ min: 1, max: 1200 }),
      content: fc.constantFrom(...contents),
    }),
  benchmarks: [{ rows: 64, columns: 126_464, content: 'normal' }],
  make: ({ rows, columns, content }, random) => ({ inputs: { x: make(random, [rows, columns], content) } }),
  reference: ({ x }) => {
    const [rows, columns] = x.shape;
    return { output: result([rows], native.top_k(x.data, rows, columns, 1)) };
  },
};
