import assert from 'node:assert/strict';
import { loadReference } from '../native/index.js';
import { type Distribution, distributions, randomOperation } from '../src/ops/random/random.js';
import type { CaseTable } from './support/case-table.js';
import { result, u32 } from './support/host.js';

const native = loadReference<{
  random_numbers(state: Uint32Array, count: number, distribution: number): Float64Array;
}>();

interface Size {
  count: number;
  distribution: Distribution;
  /** Low word of the counter: near the top, the blocks carry into the high word. */
  counter: number;
}

export const randomCases: CaseTable<Size> = {
  operation: randomOperation,
  sizes: [
    { count: 1, distribution: 'uniform', counter: 0 },
    { count: 4099, distribution: 'uniform', counter: 0xffff_ff00 },
    { count: 2, distribution: 'normal', counter: 5 },
    { count: 40_001, distribution: 'normal', counter: 0 },
    { count: 40_003, distribution: 'gumbel', counter: 0xffff_ffff },
  ],
  random: (fc) =>
    fc.record({
      count: fc.integer({ min: 1, max: 3000 }),
      distribution: fc.constantFrom(...distributions),
      counter: fc.integer({ min: 0, max: 0xffff_ffff }),
    }),
  benchmarks: distributions.map((distribution) => ({ count: 1 << 22, distribution, counter: 0 })),
  // The storage type of the numbers is an option of the operation: test/ops/random.test.ts has f16.
  storages: ['f32'],
  make: ({ count, distribution, counter }, random) => ({
    inputs: {
      state: u32([4], (i) => [random.whole(0, 2 ** 32 - 1), random.whole(0, 2 ** 32 - 1), counter, 7][i]!),
    },
    options: { shape: [count], distribution },
  }),
  reference: ({ state }, { shape, distribution }) => ({
    output: result(shape, native.random_numbers(state.data, shape[0], distributions.indexOf(distribution))),
  }),
  verify({ output }, { state }, { shape, distribution }) {
    if (distribution !== 'uniform') return;
    const expected = native.random_numbers(state.data, shape[0], 0);
    assert.deepEqual(output!.data, expected, 'uniform numbers must be the same bits everywhere');
  },
};
