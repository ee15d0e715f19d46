import { loadReference } from '../native/index.js';
import { alignmentLogLikelihoodOperation, alignmentPosteriorOperation } from '../src/ops/align/alignment.js';
import type { AnyOperation } from '../src/ops/op.js';
import type { CaseTable } from './support/case-table.js';
import { fixed, normal, result, u32 } from './support/host.js';

const native = loadReference<{
  alignment(
    scores: Float64Array,
    counts: Uint32Array | undefined,
    batch: number,
    steps: number,
    states: number,
    posterior: boolean,
  ): Float64Array;
}>();

interface AlignmentSize {
  batch: number;
  steps: number;
  states: number;
  /** Some states count, of an element none, of another more than there are steps. */
  counts?: boolean;
  /** Of the scores: small ones leave every path likely, large ones leave one. Default 1. */
  scale?: number;
}

function alignmentCases(operation: AnyOperation, posterior: boolean): CaseTable<AlignmentSize> {
  return {
    operation,
    sizes: [
      { batch: 1, steps: 1, states: 1 },
      { batch: 2, steps: 1, states: 2 },
      { batch: 3, steps: 5, states: 5 },
      { batch: 2, steps: 4, states: 6, counts: true },
      { batch: 5, steps: 40, states: 7, counts: true, scale: 5 },
      // One workgroup and a part of a second; around the 64 states that the workgroup memory holds.
      { batch: 70, steps: 9, states: 3, counts: true },
      ...[63, 64, 65].map((states) => ({ batch: 2, steps: 80, states })),
      { batch: 2, steps: 700, states: 9, scale: 0.1 },
      { batch: 1, steps: 2300, states: 4, scale: 8 },
    ],
    random: (fc) =>
      fc.record({
        batch: fc.integer({ min: 1, max: 6 }),
        steps: fc.integer({ min: 1, max: 60 }),
        states: fc.integer({ min: 1, max: 70 }),
        counts: fc.boolean(),
        scale: fc.constantFrom(0.1, 1, 10),
      }),
    benchmarks: [{ batch: 16, steps: 750, states: 20, counts: true }],
    make: ({ batch, steps, states, counts, scale = 1 }, random) => ({
      inputs: {
        scores: normal(random, [batch, steps, states], scale),
        ...(counts && { counts: u32([batch], () => random.whole(0, states + 1)) }),
      },
    }),
    reference: ({ scores, counts }, _, { batch, steps, states }) => ({
      output: fixed(
        result(
          posterior ? [batch, steps, states] : [batch],
          native.alignment(scores.data, counts?.data, batch, steps, states, posterior),
        ),
      ),
    }),
  };
}

export const alignmentLogLikelihoodCases = alignmentCases(alignmentLogLikelihoodOperation, false);
export const alignmentPosteriorCases = alignmentCases(alignmentPosteriorOperation, true);
