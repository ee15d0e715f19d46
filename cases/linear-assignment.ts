import { loadReference } from '../native/index.js';
import { linearAssignmentOperation } from '../src/ops/assign/linear-assignment.js';
import type { CaseTable, HostTensors } from './support/case-table.js';
import { fill, type HostTensor, normal, result, u32 } from './support/host.js';
import type { Random } from './support/random.js';

const native = loadReference<{
  linear_assignment(
    cost: Float64Array,
    counts: Uint32Array | undefined,
    batch: number,
    rows: number,
    targets: number,
  ): Uint32Array;
}>();

/** What the costs are: any numbers, few different ones, one, or also infinities and NaN. */
const contents = ['normal', 'few', 'constant', 'special'] as const;
type Content = (typeof contents)[number];

interface AssignmentSize {
  batch: number;
  rows: number;
  targets: number;
  content: Content;
  /** Whether elements have a count of targets, from 0 on. */
  counted: boolean;
}

function make(random: Random, shape: number[], content: Content): HostTensor {
  if (content === 'normal') return normal(random, shape);
  if (content === 'constant') return fill(shape, () => -1.5);
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return fill(shape, () =>
    content === 'special' && random.uniform() < 0.4 ? special[random.whole(0, 2)]! : random.whole(-3, 3),
  );
}

/** Rows of the targets and targets of the rows, in double precision. */
function wanted({ cost, counts }: HostTensors): { rows: HostTensor; targets: HostTensor } {
  const [batch, rows, targets] = cost!.shape as [number, number, number];
  const rowOf = native.linear_assignment(
    cost!.data as Float64Array,
    counts?.data as Uint32Array | undefined,
    batch,
    rows,
    targets,
  );
  const targetOf = new Uint32Array(batch * rows).fill(targets);
  rowOf.forEach((row, i) => {
    if (row < rows) targetOf[Math.floor(i / targets) * rows + row] = i % targets;
  });
  return { rows: result([batch, targets], rowOf), targets: result([batch, rows], targetOf) };
}

export const linearAssignmentCases: CaseTable<AssignmentSize> = {
  operation: linearAssignmentOperation,
  sizes: [
    { batch: 1, rows: 1, targets: 1, content: 'normal', counted: false },
    { batch: 3, rows: 10, targets: 5, content: 'normal', counted: true },
    { batch: 2, rows: 10, targets: 10, content: 'few', counted: false },
    { batch: 70, rows: 7, targets: 4, content: 'special', counted: true },
    { batch: 2, rows: 64, targets: 9, content: 'constant', counted: false },
    { batch: 2, rows: 100, targets: 32, content: 'normal', counted: true },
    { batch: 2, rows: 65, targets: 65, content: 'few', counted: false },
    { batch: 1, rows: 512, targets: 3, content: 'few', counted: false },
  ],
  random: (fc) =>
    fc
      .record({
        batch: fc.integer({ min: 1, max: 5 }),
        rows: fc.integer({ min: 1, max: 130 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        content: fc.constantFrom(...contents),
        counted: fc.boolean(),
      })
      .map(({ share, ...size }) => ({ ...size, targets: Math.max(1, Math.round(share ** 2 * size.rows)) })),
  benchmarks: [
    { batch: 32, rows: 10, targets: 5, content: 'normal', counted: true },
    { batch: 32, rows: 100, targets: 32, content: 'normal', counted: false },
  ],
  make: ({ batch, rows, targets, content, counted }, random) => ({
    inputs: {
      cost: make(random, [batch, rows, targets], content),
      ...(counted && { counts: u32([batch], (i) => (i === 0 ? 0 : random.whole(0, targets))) }),
    },
    options: {},
  }),
  // Of assignments that differ by rounding only, either is right: `verify` compares what they cost.
  reference: (inputs, _, { content }) => (content === 'normal' ? {} : wanted(inputs)),
  selfTestAnswers: (inputs) => wanted(inputs),
  verify({ rows, targets }, inputs) {
    const { cost } = inputs as { cost: HostTensor };
    const [batch, n, m] = cost.shape as [number, number, number];
    const best = wanted(inputs);
    const sum = (of: HostTensor, element: number) => {
      let total = 0;
      for (let t = 0; t < m; t++) {
        const row = of.data[element * m + t]!;
        const value = row < n ? cost.data[(element * n + row) * m + t]! : 0;
        if (Number.isFinite(value)) total += value;
      }
      return total;
    };
    for (let element = 0; element < batch; element++) {
      for (let t = 0; t < m; t++) {
        const row = rows!.data[element * m + t]!;
        if (row < n !== best.rows.data[element * m + t]! < n) throw new Error(`target ${t}: row ${row}`);
        if (row < n && targets!.data[element * n + row] !== t)
          throw new Error(`row ${row} is not of target ${t}`);
      }
      const matched = targets!.data.subarray(element * n, (element + 1) * n).filter((t) => t < m).length;
      const counted = rows!.data.subarray(element * m, (element + 1) * m).filter((row) => row < n).length;
      if (matched !== counted) throw new Error(`${matched} rows have a target, ${counted} targets a row`);
      const [found, least] = [sum(rows!, element), sum(best.rows, element)];
      if (Math.abs(found - least) > 1e-5 * (m + Math.abs(least))) {
        throw new Error(`element ${element} costs ${found}, the least is ${least}`);
      }
    }
  },
};
