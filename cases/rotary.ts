import { loadReference } from '../native/index.js';
import { rotaryCosinesAndSines, rotaryOperation } from '../src/ops/attention/rotary.js';
import type { CaseTable } from './support/case-table.js';
import { fill, fixed, normal, result, u32 } from './support/host.js';

const native = loadReference<{
  rotary(
    x: Float64Array,
    positions: Uint32Array,
    sizes: Uint32Array,
    theta: number,
    inverse: boolean,
  ): Float64Array;
}>();

interface Size {
  batch: number;
  heads: number;
  length: number;
  headSize: number;
  theta: number;
  /** Positions in the table. */
  table: number;
  /** A tensor of positions for each batch, or one for all; else an offset that ends at the table's end. */
  positions?: 'each' | 'all';
  inverse?: boolean;
}

export const rotaryCases: CaseTable<Size> = {
  operation: rotaryOperation,
  // Fixed cosines and sines, no parameters.
  constants: () => ['table'],
  sizes: [
    { batch: 1, heads: 1, length: 1, headSize: 2, theta: 10_000, table: 1 },
    { batch: 2, heads: 3, length: 17, headSize: 128, theta: 500_000, table: 16_384 },
    { batch: 2, heads: 3, length: 17, headSize: 6, theta: 10_000, table: 16_384, positions: 'all' },
    { batch: 3, heads: 2, length: 9, headSize: 72, theta: 10_000, table: 100, positions: 'each' },
    { batch: 1, heads: 2, length: 40, headSize: 36, theta: 10_000, table: 50, inverse: true },
  ],
  random: (fc) =>
    fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      heads: fc.integer({ min: 1, max: 4 }),
      length: fc.integer({ min: 1, max: 50 }),
      headSize: fc.integer({ min: 1, max: 40 }).map((pairs) => 2 * pairs),
      theta: fc.constantFrom(100, 10_000, 500_000),
      table: fc.integer({ min: 50, max: 2000 }),
      positions: fc.constantFrom('each' as const, 'all' as const),
      inverse: fc.boolean(),
    }),
  benchmarks: [
    { batch: 1, heads: 32, length: 1024, headSize: 128, theta: 500_000, table: 16_384 },
    { batch: 1, heads: 8, length: 512, headSize: 36, theta: 10_000, table: 512 },
  ],
  make: ({ batch, heads, length, headSize, theta, table, positions, inverse }, random) => {
    const values = rotaryCosinesAndSines(table, headSize, theta);
    const shape = positions === 'each' ? [batch, length] : [length];
    return {
      inputs: {
        x: normal(random, [batch, heads, length, headSize]),
        table: fixed(fill([table, headSize], (i) => values[i]!)),
        positions: positions && u32(shape, () => random.whole(0, table - 1)),
      },
      options: { inverse, ...(!positions && { offset: table - length }) },
    };
  },
  reference: ({ x, positions }, { offset, inverse }, { batch, heads, length, headSize, theta }) => {
    const each = Uint32Array.from({ length: batch * length }, (_, i) =>
      positions ? positions.data[i % positions.data.length] : offset + (i % length),
    );
    const sizes = Uint32Array.of(batch, heads, length, headSize);
    return { output: result(x.shape, native.rotary(x.data, each, sizes, theta, inverse)) };
  },
};
