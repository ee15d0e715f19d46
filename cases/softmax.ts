import { loadReference } from '../native/index.js';
import { softmaxOperation } from '../src/ops/array/softmax.js';
import { softmaxGradientOperation } from '../src/ops/array/softmax-gradient.js';
import type { CaseTable } from './support/case-table.js';
import { fill, normal, result } from './support/host.js';

const native = loadReference<{
  softmax(x: Float64Array, rows: number, columns: number, log: boolean): Float64Array;
  softmaxGradient(
    output: Float64Array,
    gradient: Float64Array,
    rows: number,
    columns: number,
    log: boolean,
  ): Float64Array;
}>();

interface Size {
  rows: number;
  columns: number;
  log: boolean;
}

export const softmaxCases: CaseTable<Size> = {
  operation: softmaxOperation,
  sizes: [
    { rows: 1, columns: 1, log: false },
    { rows: 3, columns: 1, log: true },
    { rows: 1, columns: 1000, log: true },
    { rows: 65, columns: 31, log: false },
    { rows: 64, columns: 128, log: false },
    { rows: 33, columns: 260, log: true },
    { rows: 2, columns: 5001, log: false },
    { rows: 3, columns: 4100, log: true },
  ],
  long: [
    { rows: 1, columns: 1_000_003, log: false },
    { rows: 2, columns: 499_999, log: true },
    { rows: 1, columns: 1_000_000, log: false },
  ],
  random: (fc) =>
    fc.record({
      rows: fc.integer({ min: 1, max: 90 }),
      columns: fc.integer({ min: 1, max: 300 }),
      log: fc.boolean(),
    }),
  benchmarks: [
    { rows: 512, columns: 32_000, log: false },
    { rows: 4096, columns: 512, log: false },
    { rows: 1, columns: 126_464, log: true },
  ],
  make: ({ rows, columns, log }, random) => ({
    inputs: { x: normal(random, [rows, columns], 3) },
    options: { log },
  }),
  reference: ({ x }, { log }) => {
    const [rows, columns] = x.shape;
    return { output: result(x.shape, native.softmax(x.data, rows, columns, log)) };
  },
};

export const softmaxGradientCases: CaseTable<Size> = {
  operation: softmaxGradientOperation,
  sizes: [
    { rows: 9, columns: 3, log: true },
    { rows: 1, columns: 1000, log: true },
    { rows: 65, columns: 31, log: false },
    { rows: 64, columns: 128, log: false },
    { rows: 33, columns: 260, log: true },
    { rows: 2, columns: 5001, log: false },
  ],
  long: [
    { rows: 1, columns: 1_000_003, log: true },
    { rows: 2, columns: 499_999, log: false },
    { rows: 1, columns: 1_000_000, log: true },
  ],
  random: (fc) =>
    fc.record({
      rows: fc.integer({ min: 1, max: 90 }),
      columns: fc.integer({ min: 8, max: 300 }),
      log: fc.boolean(),
    }),
  benchmarks: [{ rows: 4096, columns: 512, log: false }],
  make: ({ rows, columns, log }, random) => {
    // Of a long row most is in a few places, so that halves can hold it.
    const x = normal(random, [rows, columns], columns < 10_000 ? 1 : 3);
    const output = native.softmax(x.data as Float64Array, rows, columns, log);
    return {
      inputs: {
        output: result([rows, columns], output),
        gradient: fill([rows, columns], () => 0.5 + random.normal()),
      },
      options: { log },
    };
  },
  reference: ({ output, gradient }, { log }) => {
    const [rows, columns] = output.shape;
    const data = native.softmaxGradient(output.data, gradient.data, rows, columns, log);
    return { output: result(output.shape, data) };
  },
};
