import { loadReference } from '../native/index.js';
import { confidenceKinds } from '../src/ops/sampling/token-choice.js';
import { linearCrossEntropyOperation } from '../src/ops/vocabulary/linear-cross-entropy.js';
import { linearCrossEntropyGradientOperation } from '../src/ops/vocabulary/linear-cross-entropy-gradient.js';
import { linearTokenCandidatesOperation } from '../src/ops/vocabulary/linear-token-candidates.js';
import {
  type CandidatesSize,
  candidatesOf,
  candidatesSizes,
  choiceCase,
  plainChoice,
  plainSize,
  verifyCandidates,
} from './sampling.js';
import type { CaseTable } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result, rounded, u32 } from './support/host.js';
import type { Random } from './support/random.js';
import { mapTensors } from './support/tensors.js';

const native = loadReference<{
  matmul(...operands: unknown[]): Float64Array;
  linear_cross_entropy_gradient(...operands: unknown[]): Float64Array;
  linear_cross_entropy(...operands: unknown[]): { loss: Float64Array; logSumExp: Float64Array };
}>();

/** Bytes of the smallest windows that rows of that many elements can be cut into on any device. */
const smallestWindow = (depth: number) => 256 * depth;

interface LinearCandidatesSize extends CandidatesSize {
  depth: number;
  /** The matrix goes through the smallest windows instead of one. */
  windows: boolean;
}

const plainLayer = { depth: 24, windows: false } as const;

export const linearTokenCandidatesCases: CaseTable<LinearCandidatesSize> = {
  operation: linearTokenCandidatesOperation,
  sizes: [
    { ...plainSize, ...plainChoice, ...plainLayer },
    { ...plainSize, ...plainChoice, rows: 1, vocabulary: 1, depth: 1, windows: false },
    { ...plainSize, ...plainChoice, rows: 33, vocabulary: 1003, depth: 9, windows: true, temperature: 1 },
    ...confidenceKinds.map((confidence) => ({
      ...plainSize,
      ...plainChoice,
      ...{ batch: 2, prompt: 3, rows: 9, blockLength: 4, block: 1, vocabulary: 518, step: 4 },
      ...{ temperature: 0.7, guided: true, masks: 'many' as const, rescore: true },
      ...{ confidence, depth: 7, windows: true },
    })),
    {
      ...plainSize,
      ...plainChoice,
      ...plainLayer,
      vocabulary: 65,
      masks: 'one',
      special: true,
      temperature: 1,
    },
    { ...plainSize, ...plainChoice, ...plainLayer, vocabulary: 300, special: true, confidence: 'margin' },
    { ...plainSize, ...plainChoice, rows: 70, blockLength: 40, vocabulary: 64, depth: 65, windows: false },
    {
      ...plainSize,
      ...plainChoice,
      ...plainLayer,
      rows: 30,
      blockLength: 30,
      vocabulary: 6,
      maskAllowed: true,
    },
    { ...plainSize, ...plainChoice, rows: 2, vocabulary: 20_000, depth: 8, windows: true, masked: 1 },
  ],
  long: [
    { ...plainSize, ...plainChoice, rows: 2, vocabulary: 1_000_003, depth: 2, windows: false, masked: 1 },
  ],
  // What is done with logits is tested with `tokenCandidates`; fewer kinds of it are fewer kernels to compile.
  random: (fc) =>
    fc.record({
      ...candidatesSizes(fc),
      ...{ temperature: fc.constant(1), confidence: fc.constant('entropy' as const) },
      maskAllowed: fc.constant(false),
      depth: fc.integer({ min: 1, max: 50 }),
      windows: fc.boolean(),
    }),
  benchmarks: [
    { ...plainSize, ...plainChoice, rows: 64, vocabulary: 126_464, depth: 64 },
    { ...plainSize, ...plainChoice, rows: 64, vocabulary: 32_000, depth: 512 },
    { ...plainSize, ...plainChoice, rows: 1, vocabulary: 32_000, depth: 512 },
  ].map((size) => ({ ...size, blockLength: size.rows, windows: false, temperature: 1, masked: 1 })),
  make(size, random) {
    const { batch, rows, vocabulary, depth, guided, special } = size;
    const hidden = () => {
      if (!special) return normal(random, [batch, rows, depth], 3 / Math.sqrt(depth));
      // Small whole numbers, whose products are exact; the first row has no numbers at all.
      return fill([batch, rows, depth], (i) => (i < depth ? Number.NaN : random.whole(-1, 1)));
    };
    const { inputs, options } = choiceCase(size, random);
    return {
      inputs: {
        hidden: hidden(),
        // Some of the rows are equal, and so are their logits.
        weight: special ? wholeNumbers(random, vocabulary, depth) : normal(random, [vocabulary, depth]),
        unconditional: guided ? hidden() : undefined,
        ...inputs,
      },
      options: { ...options, ...(size.windows ? { windowBytes: smallestWindow(depth) } : {}) },
    };
  },
  // The candidates are compared in `verify`, and the confidences with them.
  reference: () => ({}),
  selfTestAnswers: (inputs, options) => candidatesOf(withLogits(inputs), options),
  verify: (outputs, inputs, options) => verifyCandidates(outputs, withLogits(inputs), options),
};

/** A matrix of -1, 0 and 1 of which every row is there several times. */
function wholeNumbers(random: Random, rows: number, columns: number): HostTensor {
  const some = Array.from({ length: Math.ceil(rows / 3) * columns }, () => random.whole(-1, 1));
  return fill([rows, columns], (i) => some[i % some.length]!);
}

/** The operands of `tokenCandidates` for the same: the logits in double precision. */
function withLogits({ hidden, weight, unconditional, ...rest }: Record<string, HostTensor>) {
  const [columns, depth] = weight!.shape as [number, number];
  const logits = (states: HostTensor): HostTensor => {
    const rows = states.data.length / depth;
    const data = native.matmul(
      ...[states.data, weight!.data, undefined, 1, rows, columns, depth],
      ...[false, false, false, true, 0, 0],
    );
    return result([...states.shape.slice(0, -1), columns], data);
  };
  return { ...rest, logits: logits(hidden!), unconditional: unconditional && logits(unconditional) };
}

interface CrossEntropySize {
  rows: number;
  vocabulary: number;
  depth: number;
  windows: boolean;
  ignoreId?: number | undefined;
}

export const linearCrossEntropyCases: CaseTable<CrossEntropySize> = {
  operation: linearCrossEntropyOperation,
  sizes: [
    { rows: 1, vocabulary: 1, depth: 1, windows: false },
    { rows: 4, vocabulary: 40, depth: 24, windows: false },
    { rows: 33, vocabulary: 1003, depth: 9, windows: true },
    { rows: 70, vocabulary: 67, depth: 65, windows: false, ignoreId: 3 },
    { rows: 16, vocabulary: 64, depth: 16, windows: false, ignoreId: 2 ** 32 - 100 },
    { rows: 17, vocabulary: 518, depth: 32, windows: true, ignoreId: 2 },
    { rows: 2, vocabulary: 20_000, depth: 8, windows: true },
  ],
  long: [{ rows: 2, vocabulary: 1_000_003, depth: 2, windows: false }],
  random: (fc) =>
    fc.record({
      // A handful of losses may all be small, which no bound relative to them allows for.
      rows: fc.integer({ min: 6, max: 80 }),
      vocabulary: fc.integer({ min: 12, max: 600 }),
      depth: fc.integer({ min: 1, max: 70 }),
      windows: fc.boolean(),
      ignoreId: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    }),
  benchmarks: [
    { rows: 64, vocabulary: 126_464, depth: 64, windows: false },
    { rows: 64, vocabulary: 32_000, depth: 512, windows: false },
  ],
  make: ({ rows, vocabulary, depth, windows, ignoreId }, random) => ({
    inputs: {
      hidden: normal(random, [rows, depth], 2 / Math.sqrt(depth)),
      weight: normal(random, [vocabulary, depth]),
      // A few are no ids.
      targets: u32([rows], () => random.whole(0, vocabulary - 1 + Math.floor(vocabulary / 10))),
    },
    options: {
      ...(ignoreId === undefined ? {} : { ignoreId }),
      ...(windows ? { windowBytes: smallestWindow(depth) } : {}),
    },
  }),
  reference: ({ hidden, weight, targets }, { ignoreId }, { rows, vocabulary, depth }) => {
    const { loss, logSumExp } = native.linear_cross_entropy(
      ...[hidden.data, weight.data, targets.data, rows, vocabulary, depth, ignoreId],
    );
    return { loss: result([rows], loss), logSumExp: result([rows], logSumExp) };
  },
};

interface GradientSize extends CrossEntropySize {
  /** Which results have a gradient; both where absent. */
  of?: 'loss' | 'logSumExp';
}

export const linearCrossEntropyGradientCases: CaseTable<GradientSize> = {
  operation: linearCrossEntropyGradientOperation,
  sizes: [
    // A vocabulary of one id has a loss of 0 whatever its logit; a large one has hundreds of the smallest windows.
    ...linearCrossEntropyCases.sizes.filter(({ vocabulary }) => vocabulary > 1 && vocabulary < 2000),
    { rows: 9, vocabulary: 100, depth: 12, windows: false, of: 'loss' },
    { rows: 9, vocabulary: 100, depth: 12, windows: true, of: 'logSumExp' },
  ],
  // Halves cannot hold the gradients of the rows of a million ids.
  long: [{ rows: 2, vocabulary: 60_001, depth: 2, windows: false }],
  random: linearCrossEntropyCases.random,
  benchmarks: [{ rows: 64, vocabulary: 32_000, depth: 512, windows: false, of: 'loss' }],
  make: (size, random) => {
    const { inputs: drawn, options } = linearCrossEntropyCases.make(size, random);
    // The log-sum-exp must be that of the numbers as they are stored.
    const inputs = mapTensors(drawn, (tensor) => rounded(tensor, 'f16'));
    const { logSumExp } = linearCrossEntropyCases.reference(inputs, options, size);
    const perRow = () => fixed(normal(random, [size.rows]));
    return {
      inputs: {
        ...inputs,
        logSumExp: fixed(logSumExp!),
        lossGradient: size.of === 'logSumExp' ? undefined : perRow(),
        logSumExpGradient: size.of === 'loss' ? undefined : perRow(),
      },
      options: { ...options, wanted: ['hidden', 'weight'] },
    };
  },
  reference: (inputs, { ignoreId }, { rows, vocabulary, depth }) => {
    const { hidden, weight, targets, lossGradient, logSumExpGradient } = inputs;
    const all = native.linear_cross_entropy_gradient(
      ...[hidden.data, weight.data, targets.data, rows, vocabulary, depth, ignoreId],
      ...[lossGradient?.data, logSumExpGradient?.data],
    );
    return {
      hidden: result([rows, depth], all.subarray(0, rows * depth)),
      weight: result([vocabulary, depth], all.subarray(rows * depth)),
    };
  },
};
