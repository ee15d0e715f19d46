import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../cases/support/random.js';
import { MaskedSampler } from '../../src/diffusion/masked.js';
import { revisionFractions, transferCounts, type UnmaskingSchedule } from '../../src/diffusion/unmasking.js';
import { allTokensBut } from '../../src/ops/sampling/decoding.js';
import { type ConfidenceKind, confidenceKinds } from '../../src/ops/sampling/token-choice.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const maskId = 5;
const banned = [0, 7, 31, 32];

interface Decoding {
  batch: number;
  prompt: number;
  blocks: number;
  blockLength: number;
  stepsPerBlock: number;
  vocabulary: number;
  temperature: number;
  confidence: ConfidenceKind;
  seed: number;
}

const decodings = {
  batch: fc.integer({ min: 1, max: 3 }),
  prompt: fc.integer({ min: 0, max: 6 }),
  blocks: fc.integer({ min: 1, max: 3 }),
  blockLength: fc.integer({ min: 1, max: 12 }),
  stepsPerBlock: fc.integer({ min: 1, max: 8 }),
  vocabulary: fc.integer({ min: 10, max: 30 }).map((n) => 4 * n),
  temperature: fc.constantFrom(0, 1),
  confidence: fc.constantFrom(...confidenceKinds),
  seed: fc.nat(),
};

/** A sampler of a model with fixed random logits, and sequences with about a quarter of their answers given. */
async function setUp(size: Decoding, more: object = {}) {
  const { batch, prompt, blocks, blockLength, stepsPerBlock, vocabulary, temperature, confidence } = size;
  const random = new Random(size.seed);
  const answerLength = blocks * blockLength;
  const length = prompt + answerLength;
  const logits = runtime.tensor(
    Float32Array.from({ length: batch * answerLength * vocabulary }, () => 3 * random.normal()),
    [batch, answerLength, vocabulary],
  );
  const set = allTokensBut(vocabulary, banned);
  const allowed = runtime.tensor(set, [set.length], 'u32');
  const sampler = await MaskedSampler.create(runtime, () => logits, {
    ...{ batch, length, answerLength, blockLength, steps: blocks * stepsPerBlock },
    ...{ maskId, temperature, confidence, allowed },
    ...more,
  });
  const sequences = Uint32Array.from({ length: batch * length }, (_, i) =>
    // The first position is masked: a first block without one would take a step for nothing.
    i % length === prompt
      ? maskId
      : i % length < prompt
        ? random.whole(0, vocabulary - 1)
        : random.uniform() < 0.75
          ? maskId
          : 9,
  );
  const dispose = () => {
    sampler.dispose();
    logits.dispose();
    allowed.dispose();
  };
  return { sampler, sequences, length, dispose };
}

/** Each sequence after each step, the first as it was. */
async function trace(sampler: MaskedSampler, sequences: Uint32Array, seed = 0): Promise<Uint32Array[]> {
  const states = [sequences];
  await sampler.decode(sequences, { seed, onStep: (tokens) => states.push(tokens) });
  return states;
}

const schedules: UnmaskingSchedule[] = ['linear', 'cosine', { shift: 3 }];

it('each step commits as many as planned, in its block, and never a banned id', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ ...decodings, schedule: fc.constantFrom(...schedules) }),
      async ({ schedule, ...size }) => {
        const { sampler, sequences, length, dispose } = await setUp(size, { schedule });
        const states = await trace(sampler, sequences);
        for (let b = 0; b < size.batch; b++) {
          const rows = states.map((tokens) => tokens.subarray(b * length, (b + 1) * length));
          checkCommits(rows, size, schedule);
        }
        dispose();
      },
    ),
    { numRuns: 25 },
  );
});

/** One sequence after each step: blocks one after the other, each with its planned counts, nothing else. */
function checkCommits(rows: Uint32Array[], size: Decoding, schedule: UnmaskingSchedule): void {
  const { prompt, blockLength, stepsPerBlock } = size;
  const committed = (step: number) =>
    [...rows[step]!.keys()].filter((i) => rows[step]![i] !== rows[step - 1]![i]);
  const seen: number[] = [];
  for (let step = 1; step < rows.length; step++) {
    for (const position of committed(step)) {
      assert.equal(rows[step - 1]![position], maskId, 'only masked positions change');
      assert.ok(position >= prompt, 'the prompt stays');
      assert.ok(!banned.includes(rows[step]![position]!), 'no banned id');
      assert.notEqual(rows[step]![position], maskId);
    }
    seen.push(...committed(step).map((position) => Math.floor((position - prompt) / blockLength)));
  }
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
    'block after block',
  );
  for (let block = 0; block < size.blocks; block++) {
    const inBlock = (step: number) =>
      committed(step).filter((position) => Math.floor((position - prompt) / blockLength) === block).length;
    const counts = Array.from({ length: rows.length - 1 }, (_, i) => inBlock(i + 1));
    const total = counts.reduce((sum, n) => sum + n, 0);
    const start = prompt + block * blockLength;
    const masked = rows[0]!.subarray(start, start + blockLength).filter((id) => id === maskId).length;
    assert.equal(total, masked, 'each block is filled');
    const planned = transferCounts(masked, stepsPerBlock, schedule).filter((count) => count > 0);
    assert.deepEqual(
      counts.filter((count) => count > 0),
      planned,
    );
  }
}

it('the same seed gives the same tokens, another one others', async () => {
  const size: Decoding = {
    ...{ batch: 2, prompt: 3, blocks: 2, blockLength: 10, stepsPerBlock: 5, vocabulary: 64 },
    ...{ temperature: 2, confidence: 'random', seed: 1 },
  };
  const { sampler, sequences, dispose } = await setUp(size);
  const first = await sampler.decode(sequences, { seed: 8 });
  const other = await sampler.decode(sequences, { seed: 9 });
  const again = await sampler.decode(sequences, { seed: 8 });
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
  dispose();
});

it('with a threshold each step commits at least as many as planned, in its block, never a banned id', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(decodings), async (drawn) => {
      const size = { ...drawn, confidence: 'probability' as const };
      const { sampler, sequences, length, dispose } = await setUp(size, { threshold: 0.4 });
      const plain = await setUp(size);
      const states = await trace(sampler, sequences);
      let more = 0;
      for (let b = 0; b < size.batch; b++) {
        const rows = states.map((tokens) => tokens.subarray(b * length, (b + 1) * length));
        more += checkThreshold(rows, size);
      }
      const last = states.at(-1)!;
      assert.ok(last.every((id, i) => i % length < size.prompt || id !== maskId));
      // With fixed logits and no noise the order does not change what is chosen.
      if (size.temperature === 0) assert.deepEqual(last, await plain.sampler.decode(sequences));
      assert.deepEqual(await sampler.decode(sequences), last, 'the same without looking at each step');
      if (more > 0) sawMore = true;
      dispose();
      plain.dispose();
    }),
    { numRuns: 12 },
  );
  assert.ok(sawMore, 'some step went beyond its plan');
});

let sawMore = false;

/** One sequence after each step. @returns how many were committed beyond the plan */
function checkThreshold(
  rows: Uint32Array[],
  { prompt, blocks, blockLength, stepsPerBlock }: Decoding,
): number {
  let more = 0;
  const maskedIn = (row: Uint32Array, block: number) =>
    row.subarray(prompt, prompt + (block + 1) * blockLength).filter((id) => id === maskId).length;
  for (let step = 1; step < rows.length; step++) {
    const [before, after] = [rows[step - 1]!, rows[step]!];
    const changed = [...after.keys()].filter((i) => after[i] !== before[i]);
    if (changed.length === 0) continue;
    // A sequence may wait for others of the batch, so its block is the one where it has masks.
    const block = Array.from({ length: blocks }, (_, k) => k).find((k) => maskedIn(before, k) > 0)!;
    const masked = maskedIn(before, block);
    for (const position of changed) {
      assert.equal(before[position], maskId, 'only masked positions change');
      assert.equal(Math.floor((position - prompt) / blockLength), block, 'in the current block');
      assert.ok(!banned.includes(after[position]!) && after[position] !== maskId, 'no banned id');
    }
    const least = Math.ceil(masked / stepsPerBlock);
    assert.ok(changed.length >= least, `${changed.length} of ${masked}, at least ${least} were planned`);
    more += changed.length - least;
  }
  return more;
}

it('editable decoding masks the planned fraction again and is full at the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(decodings), async (drawn) => {
      const size = { ...drawn, blocks: 1, stepsPerBlock: drawn.stepsPerBlock + 2 };
      const fractions = revisionFractions(size.stepsPerBlock, 0.5);
      const { sampler, sequences, length, dispose } = await setUp(size, { revision: { fractions } });
      const states = await trace(sampler, sequences);
      for (let b = 0; b < size.batch; b++) {
        const rows = states.map((tokens) => tokens.subarray(b * length + size.prompt, (b + 1) * length));
        let masked = rows[0]!.filter((id) => id === maskId).length;
        for (let step = 1; step < rows.length; step++) {
          const left = size.stepsPerBlock - (step - 1);
          const committed = rows[step]!.filter(
            (id, i) => rows[step - 1]![i] === maskId && id !== maskId,
          ).length;
          const taken = rows[step]!.filter((id, i) => rows[step - 1]![i] !== maskId && id === maskId).length;
          assert.equal(committed, Math.ceil(masked / left));
          const revisable = size.blockLength - masked;
          assert.equal(taken, Math.floor(Math.fround(Math.fround(fractions[step - 1]!) * revisable)));
          masked += taken - committed;
        }
        assert.equal(masked, 0);
      }
      assert.deepEqual(
        await sampler.decode(sequences),
        states.at(-1),
        'the same without looking at each step',
      );
      dispose();
    }),
    { numRuns: 12 },
  );
});
