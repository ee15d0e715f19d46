import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../cases/support/random.js';
import { MaskedSampler } from '../../src/diffusion/masked.js';
import type { MaskedSamplerOptions } from '../../src/diffusion/masked-options.js';
import { revisionFractions } from '../../src/diffusion/unmasking.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { linear } from '../../src/ops/matmul/matmul.js';
import { confidenceKinds } from '../../src/ops/sampling/token-choice.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const [maskId, vocabulary, answerLength] = [2, 40, 12];
/** Starts and ends, in either order and in other blocks; the last span lies beyond the answer. */
const pairs = [4, 5, 9, 1, 0, 11, 12, 13];

const randomNumbers = (seed: number, count: number) => {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => 3 * random.normal());
};
const logitsOf = (seed: number, batch: number) =>
  runtime.tensor(randomNumbers(seed, batch * answerLength * vocabulary), [batch, answerLength, vocabulary]);
const isOrdered = (start: number, end: number, firstId: number, count: number) =>
  firstId <= start && start < end && end < firstId + count;

it('starts come before ends, however they are decoded', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        batch: fc.integer({ min: 1, max: 2 }),
        blockLength: fc.constantFrom(1, 4, 12),
        stepsPerBlock: fc.integer({ min: 1, max: 5 }),
        temperature: fc.constantFrom(0, 1, 5),
        confidence: fc.constantFrom(...confidenceKinds),
        threshold: fc.constantFrom(undefined, 0.3),
        revise: fc.boolean(),
        guided: fc.boolean(),
        firstId: fc.integer({ min: 3, max: 9 }),
        count: fc.integer({ min: 7, max: 20 }),
        seed: fc.nat(),
      }),
      async (size) => {
        const { batch, blockLength, temperature, confidence, threshold, firstId, count, seed } = size;
        const steps = (size.stepsPerBlock * answerLength) / blockLength;
        const revise = size.revise && blockLength === answerLength;
        using conditional = logitsOf(seed, batch);
        using unconditional = logitsOf(seed + 1, batch);
        using positions = runtime.tensor(
          Array.from({ length: batch }, () => pairs).flat(),
          [batch, 4, 2],
          'u32',
        );
        using sampler = await MaskedSampler.create(
          runtime,
          (_, pass) => (pass === 'conditional' ? conditional : unconditional),
          {
            ...{ batch, length: answerLength, answerLength, maskId, blockLength, steps },
            ...{ temperature, confidence, spans: { positions, firstId, count } },
            ...(threshold !== undefined && { threshold }),
            ...(revise && { revision: { fractions: revisionFractions(steps, 0.5) } }),
            ...(size.guided && { guidanceScale: 0.5 }),
          },
        );
        await sampler.decode(new Uint32Array(batch * answerLength).fill(maskId), {
          seed,
          onStep(tokens) {
            for (let b = 0; b < batch; b++) {
              const at = (i: number) => tokens[b * answerLength + pairs[i]!]!;
              for (const [start, end] of [0, 2, 4].map((i) => [at(i), at(i + 1)] as const)) {
                const both = start !== maskId && end !== maskId;
                assert.ok(!both || isOrdered(start, end, firstId, count), `${start} to ${end}`);
                const one = start === maskId ? end : start;
                assert.ok(one === maskId || (one >= firstId && one < firstId + count), `${one} is no time`);
              }
            }
          },
        });
        const full = (await sampler.tokens.read()).every((id) => id !== maskId);
        assert.ok(full, 'every position found its token');
      },
    ),
    { numRuns: 12 },
  );
});

it('one step takes the most probable span in order', async () => {
  const [firstId, count] = [5, 30];
  const data = randomNumbers(3, answerLength * vocabulary);
  using logits = runtime.tensor(data, [1, answerLength, vocabulary]);
  using positions = runtime.tensor(pairs, [1, 4, 2], 'u32');
  using sampler = await MaskedSampler.create(runtime, () => logits, {
    ...{ batch: 1, length: answerLength, answerLength, maskId, steps: 1 },
    spans: { positions, firstId, count },
  });
  const tokens = await sampler.decode(new Uint32Array(answerLength).fill(maskId));
  for (const i of [0, 2, 4]) {
    const [start, end] = [pairs[i]!, pairs[i + 1]!];
    const value = (position: number, id: number) => data[position * vocabulary + id]!;
    let best: number[] = [];
    let largest = Number.NEGATIVE_INFINITY;
    for (let s = firstId; s < firstId + count; s++) {
      for (let e = s + 1; e < firstId + count; e++) {
        const sum = value(start, s) + value(end, e);
        if (sum > largest) [largest, best] = [sum, [s, e]];
      }
    }
    assert.deepEqual([tokens[start], tokens[end]], best);
  }
});

it('what is given limits the other; where it leaves no time, none is chosen', async () => {
  const [firstId, count] = [5, 30];
  using logits = logitsOf(4, 1);
  using positions = runtime.tensor(pairs, [1, 4, 2], 'u32');
  using sampler = await MaskedSampler.create(runtime, () => logits, {
    ...{ batch: 1, length: answerLength, answerLength, maskId },
    spans: { positions, firstId, count },
  });
  const given = new Uint32Array(answerLength).fill(maskId);
  given[4] = firstId + count - 2;
  given[1] = firstId + 1;
  given[0] = firstId + count - 1;
  const tokens = await sampler.decode(given);
  assert.equal(tokens[5], firstId + count - 1, 'the only time after the start');
  assert.equal(tokens[9], firstId, 'the only time before the end');
  assert.equal(tokens[11], maskId, 'nothing is after the last time');
});

it('hidden states with the vocabulary matrix give the spans of their logits', async () => {
  const random = new Random(9);
  // Small whole numbers, so that the logits are exact.
  const whole = (...shape: number[]) =>
    runtime.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.whole(-2, 2)),
      shape,
    );
  // The whole sequence has logits, not only the answer.
  using hidden = whole(1, 3 + answerLength, 6);
  using without = whole(1, 3 + answerLength, 6);
  using weight = whole(vocabulary, 6);
  using positions = runtime.tensor(pairs, [1, 4, 2], 'u32');
  const options: MaskedSamplerOptions = {
    ...{ batch: 1, length: 3 + answerLength, answerLength, maskId, temperature: 1, guidanceScale: 1 },
    spans: { positions, firstId: 6, count: 30 },
  };
  const states = (pass: string) => (pass === 'conditional' ? hidden : without);
  using fused = await MaskedSampler.create(runtime, (_, pass) => ({ hidden: states(pass), weight }), options);
  using plain = await MaskedSampler.create(
    runtime,
    (_, pass) => linear({ input: states(pass), weight }),
    options,
  );
  const tokens = [1, 3, 4, ...Array<number>(answerLength).fill(maskId)];
  assert.deepEqual(await fused.decode(tokens, { seed: 5 }), await plain.decode(tokens, { seed: 5 }));
});

it('refuses what does not fit', async () => {
  using logits = logitsOf(1, 1);
  using positions = runtime.tensor(pairs, [1, 4, 2], 'u32');
  using others = runtime.zeros([2, 1, 2], 'u32');
  const refused = (error: typeof OptionError, spans: object, more: object = {}) =>
    assert.rejects(
      MaskedSampler.create(runtime, () => logits, {
        ...{ batch: 1, length: answerLength, answerLength, maskId, ...more },
        spans: { positions, firstId: 5, count: 10, ...spans },
      }),
      error,
    );
  await refused(OptionError, { count: 1 });
  await refused(OptionError, { firstId: 0.5 });
  await refused(OptionError, { count: vocabulary });
  await refused(OptionError, { firstId: maskId });
  await refused(ShapeError, { positions: others });
});
