import assert from 'node:assert/strict';
import { loadReference } from '../native/index.js';
import { sumErrorBound } from '../src/ops/long-sums.js';
import { commitTokensOperation } from '../src/ops/sampling/commit-tokens.js';
import { newDecoding, tokenSet } from '../src/ops/sampling/decoding.js';
import { remaskTokensOperation } from '../src/ops/sampling/remask-tokens.js';
import { type SpanCandidatesOptions, spanCandidatesOperation } from '../src/ops/sampling/span-candidates.js';
import { tokenCandidatesOperation } from '../src/ops/sampling/token-candidates.js';
import {
  type ConfidenceKind,
  confidenceKinds,
  type TokenCandidatesOptions,
} from '../src/ops/sampling/token-choice.js';
import type { CaseTable, FastCheck } from './support/case-table.js';
import { fill, fixed, type HostTensor, normal, result, u32 } from './support/host.js';
import type { Random } from './support/random.js';

interface Candidates {
  candidates: Uint32Array;
  confidence: Float64Array;
  /** What would be chosen without the candidate, and how much lower its perturbed logit is. */
  rivals: Uint32Array;
  rivalConfidence: Float64Array;
  gaps: Float64Array;
}

type ReferenceSpans = Pick<Candidates, 'candidates' | 'confidence' | 'gaps'>;

const native = loadReference<{
  token_candidates(...operands: unknown[]): Candidates;
  span_candidates(...operands: unknown[]): ReferenceSpans;
  commit_tokens(...operands: unknown[]): Uint32Array;
  remask_tokens(...operands: unknown[]): Uint32Array;
}>();

/** Sizes that all three operations share. */
interface Sequences {
  batch: number;
  /** Positions before those with logits. */
  prompt: number;
  rows: number;
  blockLength: number;
  block: number;
  step: number;
}

const sequences = (fc: FastCheck) => ({
  batch: fc.integer({ min: 1, max: 3 }),
  prompt: fc.integer({ min: 0, max: 5 }),
  rows: fc.integer({ min: 1, max: 24 }),
  blockLength: fc.integer({ min: 1, max: 24 }),
  block: fc.integer({ min: 0, max: 2 }),
  step: fc.integer({ min: 0, max: 6 }),
});

const maskId = 3;

function stateOf(size: Sequences, random: Random, blockStep = 0, masked = 1): HostTensor {
  const words = newDecoding(random.whole(0, 2 ** 40));
  words.splice(2, 4, size.step, size.block, blockStep, masked);
  return u32([words.length], (i) => words[i]!);
}

/** Tokens of a vocabulary, about `masked` of them masked. */
function tokens(size: Sequences, random: Random, vocabulary: number, masked = 0.7): HostTensor {
  return u32([size.batch, size.prompt + size.rows], () =>
    random.uniform() < masked ? maskId : random.whole(0, vocabulary - 1),
  );
}

/** 1 for most rows of the logits; one set for all sequences, or one for each. */
function eligible(size: Sequences, random: Random): HostTensor {
  const shape = random.uniform() < 0.5 ? [size.rows] : [size.batch, size.rows];
  return u32(shape, () => Number(random.uniform() < 0.7));
}

/** A set of the ids but for about a share of them; it may be empty. */
function someIds(random: Random, vocabulary: number, share: number): HostTensor {
  const ids = Array.from({ length: vocabulary }, (_, id) => id).filter(() => random.uniform() >= share);
  const set = tokenSet(vocabulary, ids);
  return u32([set.length], (i) => set[i]!);
}

/** The answer as the reference takes it. */
function answer(
  tensor: HostTensor,
  rows: number,
  options: { start?: number; blockLength?: number },
): number[] {
  const [batch, length] = tensor.shape as [number, number];
  const { start = length - rows, blockLength = length - start } = options;
  return [batch, length, rows, start, blockLength, maskId];
}

const stride = (tensor: HostTensor | undefined, rows: number) =>
  tensor && tensor.shape.length > 1 ? rows : 0;

export interface CandidatesSize extends Sequences {
  vocabulary: number;
  temperature: number;
  confidence: ConfidenceKind;
  guided: boolean;
  masks: 'none' | 'one' | 'many';
  maskAllowed: boolean;
  rescore: boolean;
  /** Some logits are infinite or NaN, and some are equal. */
  special: boolean;
  /** Share of the positions that are masked. */
  masked: number;
}

export const plainSize = { batch: 1, prompt: 0, rows: 4, blockLength: 4, block: 0, step: 0 } as const;
export const plainChoice = {
  vocabulary: 40,
  temperature: 0,
  confidence: 'probability',
  guided: false,
  masks: 'none',
  maskAllowed: false,
  rescore: false,
  special: false,
  masked: 0.7,
} as const;

export const candidatesSizes = (fc: FastCheck) => ({
  ...sequences(fc),
  vocabulary: fc.integer({ min: 1, max: 150 }).chain((n) => fc.constantFrom(n, 4 * n)),
  temperature: fc.constantFrom(0, 0.3, 1),
  confidence: fc.constantFrom(...confidenceKinds),
  guided: fc.boolean(),
  masks: fc.constantFrom('none' as const, 'one' as const, 'many' as const),
  maskAllowed: fc.boolean(),
  rescore: fc.boolean(),
  special: fc.boolean(),
  masked: fc.constantFrom(0.2, 0.7, 1),
});

/** All operands but the logits, and the options. */
export function choiceCase(size: CandidatesSize, random: Random) {
  const { batch, rows, vocabulary, temperature, confidence, masks, maskAllowed, rescore } = size;
  const index = random.uniform() < 0.5 ? [rows] : [batch, rows];
  const sets = masks === 'many' ? [0.5, 0.9, 0] : [0.5];
  const all = sets.map((share) => someIds(random, vocabulary, share).data);
  const words = all[0]!.length;
  const bits = (i: number) => all[Math.floor(i / words)]![i % words]!;
  return {
    inputs: {
      tokens: tokens(size, random, vocabulary, size.masked),
      state: stateOf(size, random),
      allowed: masks === 'none' ? undefined : u32(masks === 'one' ? [words] : [sets.length, words], bits),
      allowedIndex: masks === 'many' ? u32(index, () => random.whole(0, sets.length - 1)) : undefined,
    },
    options: {
      ...{ maskId, temperature, confidence, maskAllowed, rescore, blockLength: size.blockLength },
      ...(size.guided ? { guidanceScale: 0.5 } : {}),
    },
  };
}

export const tokenCandidatesCases: CaseTable<CandidatesSize> = {
  operation: tokenCandidatesOperation,
  sizes: [
    { ...plainSize, ...plainChoice },
    { ...plainSize, ...plainChoice, rows: 1, vocabulary: 1 },
    { ...plainSize, ...plainChoice, rows: 40, blockLength: 40, vocabulary: 6, masked: 1, maskAllowed: true },
    { ...plainSize, ...plainChoice, vocabulary: 1003, temperature: 1, rescore: true },
    ...confidenceKinds.map((confidence) => ({
      ...plainSize,
      ...plainChoice,
      ...{ batch: 2, prompt: 3, rows: 9, block: 1, vocabulary: 516, step: 4 },
      ...{ temperature: 0.7, guided: true, masks: 'many' as const, rescore: true },
      confidence,
    })),
    { ...plainSize, ...plainChoice, vocabulary: 64, masks: 'one', special: true, confidence: 'entropy' },
    { ...plainSize, ...plainChoice, vocabulary: 64, masks: 'one', special: true, confidence: 'margin' },
    { ...plainSize, ...plainChoice, rows: 2, vocabulary: 126_464, temperature: 1, masked: 1 },
  ],
  long: [{ ...plainSize, ...plainChoice, rows: 1, vocabulary: 1_000_003, confidence: 'entropy', masked: 1 }],
  random: (fc) => fc.record(candidatesSizes(fc)),
  benchmarks: [{}, { temperature: 1 }, { confidence: 'entropy' as const }].map((more) => ({
    ...{ ...plainSize, ...plainChoice, rows: 64, blockLength: 64, vocabulary: 126_464, masked: 1 },
    ...more,
  })),
  // Confidences of single positions: no long sum over outputs evens the errors of exp out.
  tolerance: 20,
  make(size, random) {
    // Guidance takes differences: beside a very low logit they lose what f32 has of the others.
    const low = size.guided ? -20 : -65504;
    const special = [Number.NEGATIVE_INFINITY, Number.NaN, low, 2, 2, 2];
    const some = () =>
      random.uniform() < 0.3 ? special[random.whole(0, special.length - 1)]! : random.normal();
    const shape = [size.batch, size.rows, size.vocabulary];
    const make = () => (size.special ? fill(shape, some) : normal(random, shape, 3));
    const logits = { logits: make(), unconditional: size.guided ? make() : undefined };
    const { inputs, options } = choiceCase(size, random);
    return { inputs: { ...logits, ...inputs }, options };
  },
  // The candidates are compared in `verify`, and the confidences with them.
  reference: () => ({}),
  selfTestAnswers: candidatesOf,
  verify: verifyCandidates,
};

type LogitInputs = Record<string, HostTensor | undefined>;

/** The answers stored for the self-test. */
export function candidatesOf(inputs: LogitInputs, options: TokenCandidatesOptions) {
  const { candidates, confidence } = candidatesReference(inputs, options);
  const shape = inputs.logits!.shape.slice(0, 2);
  return { candidates: result(shape, candidates), confidence: result(shape, confidence) };
}

/** Compares the outputs with the reference, in which logits so close that either may be right are known. */
export function verifyCandidates(
  { candidates, confidence }: Record<string, HostTensor>,
  inputs: LogitInputs,
  options: TokenCandidatesOptions,
): void {
  const wanted = candidatesReference(inputs, options);
  const sum = Math.max(1, inputs.logits!.shape[2]!);
  for (let i = 0; i < wanted.candidates.length; i++) {
    const chosen = candidates!.data[i]!;
    let sure = wanted.confidence[i]!;
    if (chosen !== wanted.candidates[i]) {
      // Within the error of f32 either is right.
      assert.ok(
        chosen === wanted.rivals[i] && wanted.gaps[i]! < 1e-5 && wanted.gaps[i]! > 0,
        `row ${i}: ${chosen} instead of ${wanted.candidates[i]}, the gap is ${wanted.gaps[i]}`,
      );
      sure = wanted.rivalConfidence[i]!;
    }
    const error = Math.abs(confidence!.data[i]! - sure);
    const bound = sumErrorBound(sum) + 1e-5 * Math.abs(sure);
    assert.ok(error <= bound, `row ${i}: confidence ${confidence!.data[i]} instead of ${sure}`);
  }
}

function candidatesReference(
  { logits, unconditional, tokens, state, allowed, allowedIndex }: LogitInputs,
  options: TokenCandidatesOptions,
): Candidates {
  const { temperature = 0, guidanceScale = 0, confidence = 'probability' } = options;
  const { rescore = false, maskAllowed = false } = options;
  const [, rows, columns] = logits!.shape as [number, number, number];
  return native.token_candidates(
    ...[logits!.data, unconditional?.data, tokens!.data, state!.data, allowed?.data, allowedIndex?.data],
    ...answer(tokens!, rows, options),
    ...[columns, stride(allowedIndex, rows), temperature, guidanceScale],
    ...[confidenceKinds.indexOf(confidence), rescore, maskAllowed],
  );
}

interface SpansSize extends Sequences {
  spans: number;
  times: number;
  firstId: number;
  temperature: number;
  confidence: ConfidenceKind;
  rescore: boolean;
  /** Share of the positions that are masked; most others hold times. */
  masked: number;
}

const spanSize = {
  ...{ batch: 2, prompt: 3, rows: 12, blockLength: 8, block: 0, step: 2, spans: 5, times: 10, firstId: 4 },
  ...{ temperature: 0, confidence: 'probability' as const, rescore: false, masked: 0.6 },
};

export const spanCandidatesCases: CaseTable<SpansSize> = {
  operation: spanCandidatesOperation,
  sizes: [
    spanSize,
    { ...spanSize, spans: 1, times: 2, rows: 2, masked: 1 },
    { ...spanSize, batch: 1, spans: 70, rows: 140, blockLength: 140, times: 100, firstId: 6, masked: 1 },
    ...confidenceKinds.map((confidence) => ({
      ...{ ...spanSize, block: 1, rescore: true, times: 13, temperature: 0.7 },
      confidence,
    })),
  ],
  random: (fc) =>
    fc.record({
      ...sequences(fc),
      rows: fc.integer({ min: 2, max: 24 }),
      spans: fc.integer({ min: 1, max: 9 }),
      times: fc.integer({ min: 2, max: 40 }),
      firstId: fc.integer({ min: 4, max: 20 }),
      temperature: fc.constantFrom(0, 0.5, 1),
      confidence: fc.constantFrom(...confidenceKinds),
      rescore: fc.boolean(),
      masked: fc.constantFrom(0.3, 0.7, 1),
    }),
  storages: ['f32'],
  make(size, random) {
    const { batch, prompt, rows, spans, times, firstId } = size;
    // Each position once; where there are more spans than fit, some lie beyond the answer.
    const places = Array.from({ length: batch }, () => {
      const keys = Array.from({ length: Math.max(rows, 2 * spans) }, () => random.uniform());
      return [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!);
    });
    const some = () => (random.uniform() < 0.02 ? Number.NEGATIVE_INFINITY : 3 * random.normal());
    const token = () => {
      if (random.uniform() < size.masked) return maskId;
      return random.uniform() < 0.8 ? firstId + random.whole(0, times - 1) : random.whole(0, 2);
    };
    return {
      inputs: {
        logits: fixed(fill([batch, spans, 2, times], some)),
        positions: u32([batch, spans, 2], (i) => places[Math.floor(i / (2 * spans))]![i % (2 * spans)]!),
        tokens: u32([batch, prompt + rows], token),
        state: stateOf(size, random),
        candidates: u32([batch, rows], () => random.whole(0, 2)),
        confidence: fixed(fill([batch, rows], () => random.uniform())),
      },
      options: {
        ...{ maskId, firstId, blockLength: size.blockLength, temperature: size.temperature },
        ...{ confidence: size.confidence, rescore: size.rescore },
      },
    };
  },
  // The candidates are compared in `verify`, and the confidences with them.
  reference: () => ({}),
  selfTestAnswers(inputs, options) {
    const { candidates, confidence } = spansReference(inputs, options);
    const { shape } = inputs.candidates;
    return { candidates: result(shape, candidates), confidence: result(shape, confidence) };
  },
  verify({ candidates, confidence }, inputs, options) {
    const wanted = spansReference(inputs, options);
    for (let i = 0; i < wanted.candidates.length; i++) {
      // Within the error of f32 another pair is right too.
      if (wanted.gaps[i]! < 1e-5 && wanted.gaps[i]! > 0) continue;
      assert.equal(candidates!.data[i], wanted.candidates[i], `row ${i}: candidate`);
      const sure = wanted.confidence[i]!;
      const bound = 1e-5 * Math.max(1, Math.abs(sure));
      const error = Math.abs(confidence!.data[i]! - sure);
      assert.ok(error <= bound, `row ${i}: confidence ${confidence!.data[i]} instead of ${sure}`);
    }
  },
};

function spansReference(
  { logits, positions, tokens, state, candidates, confidence }: LogitInputs,
  options: SpanCandidatesOptions,
): ReferenceSpans {
  const { temperature, confidence: kind = 'probability', firstId, rescore } = options;
  const [, spans, , times] = logits!.shape as [number, number, number, number];
  return native.span_candidates(
    ...[logits!.data, positions!.data, tokens!.data, state!.data, candidates!.data, confidence!.data],
    ...answer(tokens!, candidates!.shape[1]!, options),
    ...[spans, times, firstId, temperature, confidenceKinds.indexOf(kind), rescore],
  );
}

interface CommitSize extends Sequences {
  stepsPerBlock: number;
  blockStep: number;
  threshold: number | null;
  shares: boolean;
  eligible: boolean;
  late: boolean;
  maskAllowed: boolean;
  stop: boolean;
}

const vocabulary = 70;
const stopId = 11;

/** Confidences with many equal ones, and some that are none. */
function confidence(size: Sequences, random: Random): HostTensor {
  return fixed(
    fill([size.batch, size.rows], () => (random.uniform() < 0.05 ? Number.NaN : random.whole(-2, 10) / 10)),
  );
}

/** Tokens with one that ends the answer somewhere in each sequence, and maybe others. */
function stopped(size: Sequences, random: Random): HostTensor {
  const made = tokens(size, random, vocabulary);
  const length = size.prompt + size.rows;
  for (let b = 0; b < size.batch; b++) {
    made.data[b * length + size.prompt + random.whole(0, size.rows - 1)] = stopId;
  }
  return made;
}

export const commitTokensCases: CaseTable<CommitSize> = {
  operation: commitTokensOperation,
  sizes: [
    {
      ...{
        batch: 2,
        prompt: 7,
        rows: 300,
        blockLength: 130,
        block: 1,
        step: 9,
        stepsPerBlock: 16,
        blockStep: 3,
      },
      ...{ threshold: null, shares: false, eligible: false, late: false, maskAllowed: false, stop: false },
    },
    {
      ...{ batch: 1, prompt: 0, rows: 9, blockLength: 9, block: 0, step: 1, stepsPerBlock: 3, blockStep: 2 },
      ...{ threshold: 0.7, shares: true, eligible: true, late: true, maskAllowed: false, stop: false },
    },
    {
      ...{
        batch: 2,
        prompt: 2,
        rows: 60,
        blockLength: 20,
        block: 1,
        step: 7,
        stepsPerBlock: 6,
        blockStep: 1,
      },
      ...{ threshold: null, shares: false, eligible: false, late: false, maskAllowed: true, stop: false },
    },
    {
      ...{
        batch: 3,
        prompt: 4,
        rows: 90,
        blockLength: 60,
        block: 1,
        step: 5,
        stepsPerBlock: 9,
        blockStep: 4,
      },
      ...{ threshold: 0.9, shares: false, eligible: false, late: false, maskAllowed: false, stop: true },
    },
  ],
  random: (fc) =>
    fc
      .record({
        ...sequences(fc),
        stepsPerBlock: fc.integer({ min: 1, max: 12 }),
        blockStep: fc.integer({ min: 0, max: 11 }),
        threshold: fc.constantFrom(null, 0.2, 0.8, 2),
        shares: fc.boolean(),
        eligible: fc.boolean(),
        late: fc.boolean(),
        maskAllowed: fc.boolean(),
        stop: fc.boolean(),
      })
      .map((size) => ({ ...size, blockStep: Math.min(size.blockStep, size.stepsPerBlock - 1) })),
  storages: ['f32'],
  make: (size, random) => ({
    inputs: {
      tokens: size.stop ? stopped(size, random) : tokens(size, random, vocabulary),
      candidates: u32([size.batch, size.rows], () => random.whole(0, vocabulary - 1)),
      confidence: confidence(size, random),
      state: stateOf(size, random, size.blockStep),
      shares: size.shares
        ? fixed(fill([size.stepsPerBlock], (i) => (i === size.stepsPerBlock - 1 ? 1 : random.uniform())))
        : undefined,
      eligible: size.eligible ? eligible(size, random) : undefined,
      late: size.late ? someIds(random, vocabulary, 0.5) : undefined,
    },
    options: {
      ...{ maskId, blockLength: size.blockLength, stepsPerBlock: size.stepsPerBlock },
      maskAllowed: size.maskAllowed,
      ...(size.threshold === null ? {} : { threshold: Math.fround(size.threshold) }),
      ...(size.late ? { lateFrom: 3 } : {}),
      ...(size.stop ? { stopId } : {}),
    },
  }),
  reference: ({ tokens, candidates, confidence, state, shares, eligible, late }, options) => {
    const rows = candidates.shape[1];
    const next = native.commit_tokens(
      ...[
        tokens.data,
        candidates.data,
        confidence.data,
        state.data,
        shares?.data,
        eligible?.data,
        late?.data,
      ],
      ...answer(tokens, rows, options),
      ...[options.stepsPerBlock, options.threshold, stride(eligible, rows), options.lateFrom ?? 0],
      ...[options.maskAllowed, options.stopId],
    );
    return { tokens: result(tokens.shape, next) };
  },
};

interface RemaskSize extends Sequences {
  steps: number;
  fractions: boolean;
  eligible: boolean;
  always: boolean;
  /** Nothing is masked any more. */
  over: boolean;
}

export const remaskTokensCases: CaseTable<RemaskSize> = {
  operation: remaskTokensOperation,
  sizes: [
    {
      ...{ batch: 2, prompt: 5, rows: 200, blockLength: 120, block: 1, step: 2 },
      ...{ steps: 4, fractions: true, eligible: false, always: false, over: false },
    },
    {
      ...{ batch: 1, prompt: 0, rows: 12, blockLength: 12, block: 0, step: 9 },
      ...{ steps: 3, fractions: false, eligible: true, always: true, over: false },
    },
    {
      ...{ batch: 1, prompt: 2, rows: 12, blockLength: 12, block: 1, step: 4 },
      ...{ steps: 9, fractions: true, eligible: false, always: false, over: true },
    },
  ],
  random: (fc) =>
    fc.record({
      ...sequences(fc),
      steps: fc.integer({ min: 1, max: 8 }),
      fractions: fc.boolean(),
      eligible: fc.boolean(),
      always: fc.boolean(),
      over: fc.boolean(),
    }),
  storages: ['f32'],
  make(size, random) {
    const previous = tokens(size, random, vocabulary, 0.4);
    const amounts = size.fractions
      ? fixed(fill([size.steps], () => random.whole(0, 10) / 10))
      : u32([size.steps], () => random.whole(0, 5));
    return {
      inputs: {
        // Some of the masked positions have been committed since.
        tokens: u32(previous.shape, (i) =>
          previous.data[i] === maskId && random.uniform() < 0.5 ? random.whole(0, 2) : previous.data[i]!,
        ),
        previous,
        confidence: confidence(size, random),
        state: stateOf(size, random, 0, Number(!size.over)),
        amounts,
        eligible: size.eligible ? eligible(size, random) : undefined,
        always: size.always ? someIds(random, vocabulary, 0.5) : undefined,
      },
      options: { maskId, blockLength: size.blockLength },
    };
  },
  reference: ({ tokens, previous, confidence, state, amounts, eligible, always }, options) => {
    const rows = confidence.shape[1];
    const counts = amounts.kind === 'u32';
    const next = native.remask_tokens(
      ...[tokens.data, previous.data, confidence.data, state.data],
      ...[counts ? amounts.data : undefined, counts ? undefined : amounts.data, eligible?.data, always?.data],
      ...answer(tokens, rows, options),
      ...[amounts.shape[0], stride(eligible, rows), 32 * (always?.data.length ?? 0)],
    );
    return { tokens: result(tokens.shape, next) };
  },
};
