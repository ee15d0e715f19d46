import { loadReference } from '../native/index.js';
import { lstmGradientOperation } from '../src/ops/recurrent/lstm-gradient.js';
import { sizeOf } from '../src/tensor/shape.js';
import { both, type LstmSize, lstmCases } from './lstm.js';
import type { CaseTable, HostTensors } from './support/case-table.js';
import { fixed, normal, result } from './support/host.js';

const native = loadReference<{
  lstmGradient(
    input: Float64Array,
    weightIh: Float64Array,
    weightHh: Float64Array,
    biasIh: Float64Array,
    biasHh: Float64Array,
    lengths: Uint32Array | undefined,
    state: Float64Array | undefined,
    output: Float64Array,
    outputGradient: Float64Array | undefined,
    stateGradient: Float64Array | undefined,
    batch: number,
    time: number,
    inputs: number,
    hidden: number,
    directions: number,
  ): Float64Array;
}>();

interface Size extends LstmSize {
  /** Which results have a gradient. */
  of: 'output' | 'state' | 'both';
}

export const lstmGradientCases: CaseTable<Size> = {
  operation: lstmGradientOperation,
  sizes: [
    { batch: 3, time: 1, inputs: 8, hidden: 8, directions: 2, state: true, of: 'both' },
    { batch: 1, time: 9, inputs: 3, hidden: 9, directions: 2, of: 'output' },
    { batch: 1, time: 4, inputs: 5, hidden: 17, directions: 1, of: 'state' },
    { batch: 5, time: 11, inputs: 4, hidden: 9, directions: 2, lengths: true, state: true, of: 'both' },
    { batch: 16, time: 4, inputs: 10, hidden: 33, directions: 1, lengths: true, of: 'output' },
    { batch: 2, time: 150, inputs: 8, hidden: 16, directions: 2, state: true, of: 'both' },
  ],
  random: (fc) =>
    fc.record({
      batch: fc.integer({ min: 1, max: 20 }),
      time: fc.integer({ min: 1, max: 12 }),
      inputs: fc.integer({ min: 4, max: 40 }),
      hidden: fc.integer({ min: 8, max: 70 }),
      directions: fc.constantFrom<1 | 2>(1, 2),
      lengths: fc.boolean(),
      state: fc.boolean(),
      of: fc.constantFrom<Size['of'][]>('output', 'both'),
    }),
  benchmarks: [
    { batch: 32, time: 16, inputs: 100, hidden: 64, directions: 2, of: 'output' },
    { batch: 32, time: 20, inputs: 300, hidden: 256, directions: 2, of: 'output' },
  ],
  make: (size, random) => {
    const { inputs } = lstmCases.make(size, random);
    const { output, state } = lstmCases.reference(inputs, {}, size);
    return {
      inputs: {
        ...inputs,
        output,
        outputGradient: size.of === 'state' ? undefined : normal(random, output!.shape),
        stateGradient: size.of === 'output' ? undefined : fixed(normal(random, state!.shape)),
      },
      options: {
        wanted: Object.keys(inputs).filter((name) => inputs[name] && name !== 'lengths'),
      },
    };
  },
  reference: (operands, { wanted }, { batch, time, inputs, hidden, directions }) => {
    const all = native.lstmGradient(
      operands.input.data,
      both(operands.weightIh, operands.weightIhReverse),
      both(operands.weightHh, operands.weightHhReverse),
      both(operands.biasIh, operands.biasIhReverse),
      both(operands.biasHh, operands.biasHhReverse),
      operands.lengths?.data,
      operands.state?.data,
      operands.output.data,
      operands.outputGradient?.data,
      operands.stateGradient?.data,
      ...([batch, time, inputs, hidden, directions] as const),
    );
    let end = 0;
    const next = (shape: readonly number[]) => {
      end += sizeOf(shape);
      return result(shape, all.subarray(end - sizeOf(shape), end));
    };
    const suffixes = directions === 2 ? ['', 'Reverse'] : [''];
    const weights = (name: string, shape: readonly number[]) =>
      suffixes.map((suffix) => [name + suffix, next(shape)] as const);
    const gradients: HostTensors = Object.fromEntries([
      ['input', next([batch, time, inputs])],
      ...weights('weightIh', [4 * hidden, inputs]),
      ...weights('weightHh', [4 * hidden, hidden]),
      ...weights('biasIh', [4 * hidden]),
      ['state', next([2, batch, directions, hidden])],
    ]);
    // Both biases are added to the same sums.
    const gradientOf = (name: string) => gradients[name.replace('Hh', gradients[name] ? 'Hh' : 'Ih')]!;
    return Object.fromEntries(wanted.map((name: string) => [name, gradientOf(name)]));
  },
};
