import { loadReference } from '../native/index.js';
import { lstmOperation } from '../src/ops/recurrent/lstm.js';
import type { CaseTable } from './support/case-table.js';
import { fixed, type HostTensor, normal, result, u32 } from './support/host.js';

const native = loadReference<{
  lstm(
    input: Float64Array,
    weightIh: Float64Array,
    weightHh: Float64Array,
    biasIh: Float64Array,
    biasHh: Float64Array,
    lengths: Uint32Array | undefined,
    state: Float64Array | undefined,
    batch: number,
    time: number,
    inputs: number,
    hidden: number,
    directions: number,
  ): Float64Array;
}>();

export interface LstmSize {
  batch: number;
  time: number;
  inputs: number;
  hidden: number;
  directions: 1 | 2;
  /** Rows of random lengths, 0 and more than T among them. */
  lengths?: boolean;
  state?: boolean;
}

/** Both directions' operands in one array, as the reference takes them. */
export function both(forward: HostTensor, reverse: HostTensor | undefined): Float64Array {
  return Float64Array.from([...forward.data, ...(reverse?.data ?? [])]);
}

export const lstmCases: CaseTable<LstmSize> = {
  operation: lstmOperation,
  sizes: [
    { batch: 3, time: 1, inputs: 1, hidden: 1, directions: 2, state: true },
    { batch: 1, time: 9, inputs: 3, hidden: 1, directions: 2 },
    { batch: 1, time: 2, inputs: 5, hidden: 7, directions: 1 },
    { batch: 4, time: 1, inputs: 6, hidden: 8, directions: 2, lengths: true },
    { batch: 5, time: 11, inputs: 4, hidden: 9, directions: 2, lengths: true, state: true },
    { batch: 16, time: 4, inputs: 10, hidden: 33, directions: 1, lengths: true },
    { batch: 17, time: 5, inputs: 2, hidden: 20, directions: 2 },
    { batch: 2, time: 3, inputs: 12, hidden: 257, directions: 2, lengths: true },
    { batch: 2, time: 150, inputs: 8, hidden: 16, directions: 2, state: true },
  ],
  random: (fc) =>
    fc
      .record({
        batch: fc.integer({ min: 1, max: 20 }),
        time: fc.integer({ min: 1, max: 12 }),
        inputs: fc.integer({ min: 1, max: 40 }),
        hidden: fc.integer({ min: 1, max: 70 }),
        directions: fc.constantFrom<1 | 2>(1, 2),
        lengths: fc.boolean(),
        state: fc.boolean(),
      })
      // A handful of outputs may all be small by cancellation, which no bound relative to them allows for.
      .filter(({ batch, hidden }) => batch * hidden >= 16),
  benchmarks: [
    { batch: 32, time: 20, inputs: 300, hidden: 256, directions: 2 },
    { batch: 1, time: 20, inputs: 512, hidden: 256, directions: 2 },
    { batch: 8, time: 256, inputs: 512, hidden: 256, directions: 2 },
  ],
  make: ({ batch, time, inputs, hidden, directions, lengths, state }, random) => {
    const weight = (columns: number) => normal(random, [4 * hidden, columns], columns ** -0.5);
    const bias = () => normal(random, [4 * hidden], 0.5);
    return {
      inputs: {
        input: normal(random, [batch, time, inputs]),
        weightIh: weight(inputs),
        weightHh: weight(hidden),
        biasIh: bias(),
        biasHh: bias(),
        ...(directions === 2 && {
          weightIhReverse: weight(inputs),
          weightHhReverse: weight(hidden),
          biasIhReverse: bias(),
          biasHhReverse: bias(),
        }),
        // The first row has a step at least, so that not all outputs are zero.
        lengths: lengths ? u32([batch], (row) => random.whole(row === 0 ? 1 : 0, time + 1)) : undefined,
        state: state ? fixed(normal(random, [2, batch, directions, hidden])) : undefined,
      },
    };
  },
  reference: (operands, _, { batch, time, inputs, hidden, directions }) => {
    const data = native.lstm(
      operands.input.data,
      both(operands.weightIh, operands.weightIhReverse),
      both(operands.weightHh, operands.weightHhReverse),
      both(operands.biasIh, operands.biasIhReverse),
      both(operands.biasHh, operands.biasHhReverse),
      operands.lengths?.data,
      operands.state?.data,
      batch,
      time,
      inputs,
      hidden,
      directions,
    );
    const outputs = batch * time * directions * hidden;
    return {
      output: result([batch, time, directions * hidden], data.subarray(0, outputs)),
      state: result([2, batch, directions, hidden], data.subarray(outputs)),
    };
  },
};
