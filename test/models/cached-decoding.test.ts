import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { MaskedSampler } from '../../src/diffusion/masked.js';
import { OptionError } from '../../src/errors.js';
import { AnswerLogits, cacheKinds } from '../../src/models/mdvlm/decoding/answer-logits.js';
import { type GenerateOptions, generateTokens } from '../../src/models/mdvlm/decoding/decode.js';
import type { LanguageConfig } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import { sum } from '../../src/ops/array/reduce.js';
import { narrow } from '../../src/ops/array/slice.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const maskId = 39;

/** A model with weights so large that no two of its answers are close. */
function makeModel(layers: number, seed = 1): LanguageModel {
  const config: LanguageConfig = {
    ...{ hidden: 32, layers, heads: 4, keyHeads: 2, headSize: 8, intermediate: 48, vocabulary: 40 },
    ...{ ropeTheta: 10_000, epsilon: 1e-5, maxPositions: 64, maskId, tied: false },
  };
  const model = new LanguageModel(runtime, config).initialize(1);
  const random = new Random(seed);
  for (const weight of Object.values(model.weights())) {
    if (weight.rank < 2) continue;
    const deviation = 2 / Math.sqrt(weight.shape[1]!);
    weight.write(Float32Array.from({ length: weight.size }, () => deviation * random.normal()));
  }
  return model;
}

const idsOf = (seed: number, batch: number, length: number) => {
  const random = new Random(seed);
  const ids = Uint32Array.from({ length: batch * length }, () => random.whole(0, maskId));
  return runtime.tensor(ids, [batch, length], 'u32');
};

async function assertClose(actual: Tensor, expected: Tensor, where: string): Promise<void> {
  assert.deepEqual(actual.shape, expected.shape);
  const error = relativeError((await actual.read()) as Float32Array, (await expected.read()) as Float32Array);
  assert.ok(error < 1e-5, `${where}: off by ${error}`);
}

describe('a key/value cache', () => {
  const [batch, before, length] = [2, 5, 12];

  it('of a prefix that sees only itself gives the full pass under that mask', async () => {
    const model = makeModel(3);
    const ids = idsOf(2, batch, length);
    const embeddings = model.embed(ids);
    // The second sequence is padded on the left.
    const seen = Uint32Array.from({ length: batch * length }, (_, i) =>
      Number(i < length || i >= length + 2),
    );
    const keyMask = runtime.tensor(seen, [batch, length], 'u32');
    const mask = { kind: 'prefix', prefixLength: before } as const;
    const whole = model.forward(embeddings, { mask, keyMask });
    using cache = model.keyValueCache(batch, length);
    model.forward(narrow(embeddings, 1, 0, before), { others: cache.from(0), mask, keyMask });
    const answer = { start: before, size: length - before };
    const expected = narrow(whole, 1, answer.start, answer.size);
    for (const time of ['once', 'again']) {
      const rows = narrow(embeddings, 1, answer.start, answer.size);
      const actual = model.forward(rows, { others: cache.from(before), mask, keyMask });
      await assertClose(actual, expected, time);
    }
    model.dispose();
  });

  it('of a full pass gives any chunk of it again, whatever has changed around', async () => {
    const model = makeModel(3);
    const embeddings = model.embed(idsOf(3, batch, length));
    using cache = model.keyValueCache(batch, length);
    const whole = model.forward(embeddings, { others: cache.from(0) });
    for (const [start, size] of [
      [0, 3],
      [4, 5],
      [11, 1],
    ] as const) {
      const rows = model.forward(narrow(embeddings, 1, start, size), { others: cache.from(start) });
      await assertClose(rows, narrow(whole, 1, start, size), `from ${start}`);
    }
    model.dispose();
  });

  it('refuses what does not fit, and gradients', () => {
    const model = makeModel(1);
    const embeddings = model.embed(idsOf(3, 1, 4));
    using cache = model.keyValueCache(1, 6);
    assert.throws(() => model.forward(embeddings, { others: cache.from(3) }), /is not within/);
    using other = model.keyValueCache(2, 6);
    assert.throws(
      () => model.forward(embeddings, { others: other.from(0) }),
      /must have the shape|is not within/,
    );
    assert.throws(
      () => valueAndGrad(model.weights(), () => sum(model.forward(embeddings, { others: cache.from(0) }))),
      OptionError,
    );
    model.dispose();
  });
});

describe('decoding with a cache', () => {
  const prompt = [3, 1, 4, 1, 5, 9];
  const sizes = { length: 12, blockLength: 4, steps: 9 };
  const traced = async (model: LanguageModel, options: GenerateOptions) => {
    const trace: number[][] = [];
    await generateTokens(model, prompt, { ...sizes, ...options, onStep: (ids) => trace.push(ids) });
    return trace;
  };

  for (const guidanceScale of [0, 0.5]) {
    it(`of the prompt takes the steps of the full pass, guidance ${guidanceScale}`, async () => {
      const model = makeModel(2);
      const { length, blockLength, steps } = sizes;
      const mask = { kind: 'prefix', prefixLength: prompt.length } as const;
      const expected: number[][] = [];
      using sampler = await MaskedSampler.create(
        runtime,
        (ids) => model.lastLayer(narrow(model.forward(model.embed(ids), { mask }), 1, prompt.length, length)),
        {
          ...{ batch: 1, length: prompt.length + length, answerLength: length, blockLength, steps, maskId },
          ...{ maskAllowed: true, guidanceScale },
        },
      );
      await sampler.decode([...prompt, ...Array<number>(length).fill(maskId)], {
        onStep: (ids) => expected.push([...ids.subarray(prompt.length)]),
      });
      assert.deepEqual(await traced(model, { cache: 'prefix', guidanceScale }), expected);
      model.dispose();
    });

    // Keys and values of a single layer depend on nothing but the tokens at their own positions.
    for (const cache of ['block', 'dual'] as const) {
      it(`${cache} is exact for one layer, guidance ${guidanceScale}`, async () => {
        const model = makeModel(1, 2);
        const banned = [maskId];
        const expected = await traced(model, { guidanceScale, banned });
        assert.ok(expected.length > 3, 'blocks have steps after their first');
        assert.deepEqual(await traced(model, { guidanceScale, banned, cache }), expected);
        model.dispose();
      });
    }
  }

  for (const cache of ['block', 'dual'] as const) {
    it(`${cache} is exact in the first step of a block`, async () => {
      const model = makeModel(3);
      const once = { steps: 3 };
      assert.deepEqual(await traced(model, { ...once, cache }), await traced(model, once));
      const [exact, kept] = [await traced(model, {}), await traced(model, { cache })];
      assert.deepEqual(kept[0], exact[0], 'the first step of a block sees everything');
      assert.equal(kept.length, exact.length);
      model.dispose();
    });
  }

  it('gives each decoding its own prompt', async () => {
    const model = makeModel(2);
    const [first, second] = [prompt, [7, 7, 2, 8, 0, 1]];
    const { length } = sizes;
    using before = runtime.tensor(new Float32Array(prompt.length * 32), [1, prompt.length, 32]);
    const sequences = { batch: 1, prompt: [before], answerLength: length, blockLength: 4 };
    for (const kind of cacheKinds) {
      using logits = new AnswerLogits(model, kind, sequences, ['conditional']);
      using sampler = await MaskedSampler.create(runtime, logits, {
        ...{ batch: 1, length, answerLength: length, maskId, blockLength: 4, maskAllowed: true },
      });
      for (const ids of [first, second, first]) {
        const expected = await generateTokens(model, ids, { length, blockLength: 4, cache: kind });
        before.assign(model.embed(runtime.tensor(ids, [1, ids.length], 'u32')));
        assert.deepEqual([...(await sampler.decode(Array<number>(length).fill(maskId)))], expected);
      }
    }
    model.dispose();
  });

  it('gives back all that it took', async () => {
    const { usedBytes } = runtime.memory;
    const model = makeModel(2);
    for (const cache of cacheKinds) await traced(model, { cache, guidanceScale: 1 });
    model.dispose();
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });

  it('answers without a prompt, and refuses to revise what it keeps', async () => {
    const model = makeModel(2);
    const whole = await generateTokens(model, [], sizes);
    assert.deepEqual(await generateTokens(model, [], { ...sizes, cache: 'prefix' }), whole);
    await assert.rejects(traced(model, { cache: 'dual', revise: 0.2 }), OptionError);
    await traced(model, { cache: 'dual', revise: 0.2, blockLength: 12 });
    model.dispose();
  });
});
