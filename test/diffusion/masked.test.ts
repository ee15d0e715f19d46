import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import samplingMaskPromptKernel from '../../kernels/sampling/mask_prompt.wgsl.js';
import { MaskedSampler, maskedSequences } from '../../src/diffusion/masked.js';
import type { MaskedSamplerOptions } from '../../src/diffusion/masked-options.js';
import type { TokenLogits } from '../../src/diffusion/token-logits.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { linear } from '../../src/ops/matmul/matmul.js';
import { allTokensBut, tokenSet } from '../../src/ops/sampling/decoding.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const maskId = 2;
const vocabulary = 48;

function randomLogits(seed: number, rows: number): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Float32Array.from({ length: rows * vocabulary }, () => 2 * random.normal());
}

interface Llada {
  prompt: number;
  answerLength: number;
  blockLength: number;
  steps: number;
  guidanceScale: number;
  banned: readonly number[];
}

/**
 * The published decoding of LLaDA with low-confidence remasking and temperature 0, in double precision, for a
 * model whose logits do not depend on the tokens: the sequence after each step.
 */
function llada(
  initial: Uint32Array,
  logits: Float32Array,
  unconditional: Float32Array,
  size: Llada,
): Uint32Array[] {
  const x = initial.slice();
  const states: Uint32Array[] = [];
  const { prompt, answerLength, blockLength, guidanceScale } = size;
  const blocks = answerLength / blockLength;
  const steps = size.steps / blocks;
  for (let block = 0; block < blocks; block++) {
    const start = prompt + block * blockLength;
    const end = start + blockLength;
    const masked = x.subarray(start, end).filter((id) => id === maskId).length;
    const counts = Array.from(
      { length: steps },
      (_, i) => Math.floor(masked / steps) + +(i < masked % steps),
    );
    for (const count of counts) {
      const found: { position: number; token: number; confidence: number }[] = [];
      for (let position = prompt; position < end; position++) {
        if (x[position] !== maskId) continue;
        const l = Array.from({ length: vocabulary }, (_, id) => {
          const i = (position - prompt) * vocabulary + id;
          const guided = unconditional[i]! + (guidanceScale + 1) * (logits[i]! - unconditional[i]!);
          return size.banned.includes(id) ? Number.NEGATIVE_INFINITY : guided;
        });
        const token = l.indexOf(Math.max(...l));
        const confidence = Math.exp(l[token]!) / l.reduce((sum, value) => sum + Math.exp(value), 0);
        found.push({ position, token, confidence });
      }
      found.sort((a, b) => b.confidence - a.confidence);
      for (const { position, token } of found.slice(0, count)) x[position] = token;
      states.push(x.slice());
    }
  }
  return states;
}

it('decodes as LLaDA does, with guidance and banned ids', async () => {
  const size = { prompt: 4, answerLength: 24, blockLength: 8, steps: 15, guidanceScale: 1.5, banned: [7, 9] };
  const conditional = randomLogits(1, size.answerLength);
  const unconditional = randomLogits(2, size.answerLength);
  const shape = [1, size.answerLength, vocabulary];
  using with_ = runtime.tensor(conditional, shape);
  using without = runtime.tensor(unconditional, shape);
  const set = allTokensBut(vocabulary, [...size.banned, maskId]);
  using allowed = runtime.tensor(set, [set.length], 'u32');
  const { tokens, length } = maskedSequences([[5, 6, 7, 8]], size.answerLength, { maskId, padId: 0 });
  using sampler = await MaskedSampler.create(
    runtime,
    (_, pass) => (pass === 'conditional' ? with_ : without),
    {
      ...{
        batch: 1,
        length,
        answerLength: size.answerLength,
        blockLength: size.blockLength,
        maskId,
        allowed,
      },
      ...{ steps: size.steps, guidanceScale: size.guidanceScale },
    },
  );
  const expected = llada(tokens, conditional, unconditional, { ...size, banned: [...size.banned, maskId] });
  const states: Uint32Array[] = [];
  await sampler.decode(tokens, { onStep: (now) => states.push(now) });
  assert.deepEqual(states, expected);
  assert.deepEqual(await sampler.decode(tokens), expected.at(-1), 'the same without looking at each step');
});

it('the unconditional pass sees the prompt masked', async () => {
  const seen: string[] = [];
  using logits = runtime.tensor(randomLogits(3, 3), [1, 3, vocabulary]);
  using copy = runtime.zeros([1, 5], 'u32');
  using sampler = await MaskedSampler.create(
    runtime,
    (tokens, pass) => {
      seen.push(pass);
      if (pass === 'unconditional') {
        runtime.launch({
          kernel: samplingMaskPromptKernel,
          buffers: { tokens, out: copy },
          params: { count: 5, length: 5, start: 0, mask_id: 0 },
          workgroups: [1],
        });
      }
      return logits;
    },
    { batch: 1, length: 5, answerLength: 3, maskId, steps: 1, guidanceScale: 1 },
  );
  await sampler.decode([8, 9, maskId, 11, maskId]);
  assert.deepEqual(seen.sort(), ['conditional', 'unconditional']);
  assert.deepEqual([...(await copy.read())], [maskId, maskId, maskId, 11, maskId]);
});

it('logits of the whole sequence and of the answer alone give the same tokens', async () => {
  const prompt = 3;
  const answerLength = 10;
  const data = randomLogits(4, prompt + answerLength);
  using all = runtime.tensor(data, [1, prompt + answerLength, vocabulary]);
  using some = runtime.tensor(data.slice(prompt * vocabulary), [1, answerLength, vocabulary]);
  const { tokens, length } = maskedSequences([[1, 2, 3]], answerLength, { maskId, padId: 0 });
  const options = { batch: 1, length, answerLength, maskId, temperature: 1, blockLength: 5 };
  using first = await MaskedSampler.create(runtime, () => all, options);
  using second = await MaskedSampler.create(runtime, () => some, options);
  assert.deepEqual(await first.decode(tokens, { seed: 5 }), await second.decode(tokens, { seed: 5 }));
});

it('hidden states with the vocabulary matrix give the tokens of their logits', async () => {
  const [answerLength, width] = [10, 6];
  const random = new Random(12);
  // Small whole numbers, so that the logits are exact.
  const whole = (...shape: number[]) =>
    runtime.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.whole(-2, 2)),
      shape,
    );
  using hidden = whole(1, answerLength, width);
  using unconditional = whole(1, answerLength, width);
  using weight = whole(vocabulary, width);
  const options = { batch: 1, length: 12, answerLength, maskId, temperature: 1, guidanceScale: 1 };
  const states = (pass: string) => (pass === 'conditional' ? hidden : unconditional);
  using fused = await MaskedSampler.create(runtime, (_, pass) => ({ hidden: states(pass), weight }), options);
  using plain = await MaskedSampler.create(
    runtime,
    (_, pass) => linear({ input: states(pass), weight }),
    options,
  );
  const { tokens } = maskedSequences([[1, 3]], answerLength, { maskId, padId: 0 });
  assert.deepEqual(await fused.decode(tokens, { seed: 5 }), await plain.decode(tokens, { seed: 5 }));
});

it('late ids wait for their step', async () => {
  const answerLength = 12;
  const late = Array.from({ length: vocabulary / 2 }, (_, id) => 2 * id);
  using ids = runtime.tensor(tokenSet(vocabulary, late), [Math.ceil(vocabulary / 32)], 'u32');
  using logits = runtime.tensor(randomLogits(6, answerLength), [1, answerLength, vocabulary]);
  using sampler = await MaskedSampler.create(runtime, () => logits, {
    ...{ batch: 1, length: answerLength, answerLength, maskId, late: { ids, from: 9 } },
  });
  const last = await sampler.decode(new Uint32Array(answerLength).fill(maskId), {
    onStep: (tokens, { step }) => {
      // `step` counts those done, so this was step - 1.
      if (step <= 9) assert.ok(tokens.every((id) => id === maskId || id % 2 === 1));
    },
  });
  assert.ok(last.every((id) => id !== maskId));
  assert.ok(last.some((id) => id % 2 === 0));
});

it('a confident decoding stops early', async () => {
  const answerLength = 16;
  const data = randomLogits(7, answerLength).map((value, i) => (i % vocabulary === 3 ? 30 : value));
  using logits = runtime.tensor(data, [1, answerLength, vocabulary]);
  const options = { batch: 1, length: answerLength, answerLength, maskId, blockLength: 4, threshold: 0.9 };
  using sampler = await MaskedSampler.create(runtime, () => logits, options);
  let steps = 0;
  const sequence = new Uint32Array(answerLength).fill(maskId);
  const tokens = await sampler.decode(sequence, { onStep: () => steps++ });
  assert.deepEqual([...tokens], new Array(answerLength).fill(3));
  assert.equal(steps, 4, 'one step a block');
});

it('leaves what is after a stop token, and stops when all before it is filled', async () => {
  const answerLength = 12;
  const stopId = 4;
  // Position 5 is sure of the stop token, the others the surer the higher they are.
  const data = randomLogits(10, answerLength).map((_, i) => {
    const [position, id] = [Math.floor(i / vocabulary), i % vocabulary];
    if (position === 5) return id === stopId ? 40 : 0;
    return id === 6 ? 10 + position : 0;
  });
  using logits = runtime.tensor(data, [1, answerLength, vocabulary]);
  using sampler = await MaskedSampler.create(runtime, () => logits, {
    ...{ batch: 1, length: answerLength, answerLength, maskId, stopId },
  });
  let steps = 0;
  const sequence = new Uint32Array(answerLength).fill(maskId);
  const expected = [6, 6, 6, 6, 6, stopId, ...new Array(6).fill(maskId)];
  assert.deepEqual([...(await sampler.decode(sequence, { onStep: () => steps++ }))], expected);
  assert.equal(steps, 6);
  assert.deepEqual(
    [...(await sampler.decode(sequence))],
    expected,
    'the same where nobody looks at the steps',
  );
});

it('prompts are padded on the left', () => {
  const { tokens, length } = maskedSequences([[1], [3, 4, 5], []], 2, { maskId: 9, padId: 0 });
  assert.equal(length, 5);
  assert.deepEqual([...tokens], [0, 0, 1, 9, 9, 3, 4, 5, 9, 9, 0, 0, 0, 9, 9]);
});

it('many decodings leave no memory behind', async () => {
  using logits = runtime.tensor(randomLogits(8, 8), [1, 8, vocabulary]);
  const decode = async () => {
    using sampler = await MaskedSampler.create(runtime, () => logits, {
      ...{ batch: 1, length: 8, answerLength: 8, maskId, temperature: 1, schedule: 'cosine' },
    });
    await sampler.decode(new Uint32Array(8).fill(maskId));
    await sampler.decode(new Uint32Array(8).fill(maskId));
  };
  await decode();
  const before = runtime.memory;
  for (let i = 0; i < 20; i++) await decode();
  assert.deepEqual(runtime.memory, before);
});

it('refuses what does not fit', async () => {
  using logits = runtime.tensor(randomLogits(9, 4), [1, 4, vocabulary]);
  const create = (options: Partial<MaskedSamplerOptions>, model: TokenLogits = () => logits) =>
    MaskedSampler.create(runtime, model, { batch: 1, length: 6, answerLength: 4, maskId, ...options });
  await assert.rejects(create({ blockLength: 3 }), OptionError);
  await assert.rejects(create({ blockLength: 2, steps: 3 }), OptionError);
  await assert.rejects(create({ answerLength: 7 }), ShapeError);
  await assert.rejects(create({ batch: 0 }), OptionError);
  await assert.rejects(create({ batch: 2 }), ShapeError);
  await assert.rejects(create({ temperature: -1 }), OptionError);
  await assert.rejects(create({ revision: { fractions: [0.1, 0.1, 0.1, 0.1] } }), OptionError);
  const revision = { fractions: [0.1, 0.1, 0, 0] };
  await assert.rejects(create({ revision, maskAllowed: true }), OptionError);
  await assert.rejects(create({ revision, blockLength: 2, threshold: 0.9 }), OptionError);
  await assert.rejects(create({ maskId: -1 }), OptionError);
  await assert.rejects(create({ stopId: 0.5 }), OptionError);
  await assert.rejects(create({ guidanceScale: Number.NaN }), OptionError);
  await assert.rejects(create({ maskAllowed: true, schedule: 'cosine' }), OptionError);
  using whole = runtime.zeros([1, 4, vocabulary], 'u32');
  await assert.rejects(
    create({}, () => whole),
    DtypeError,
  );
  using few = runtime.zeros([1, 3, vocabulary]);
  await assert.rejects(
    create({}, () => few),
    OptionError,
  );
  using weight = runtime.zeros([vocabulary, 4]);
  using other = runtime.zeros([vocabulary, 4]);
  using hidden = runtime.zeros([1, 4, 4]);
  const layer = { hidden, weight };
  for (const unconditional of [logits, { hidden, weight: other }]) {
    const model: TokenLogits = (_, pass) => (pass === 'conditional' ? layer : unconditional);
    await assert.rejects(create({ guidanceScale: 1 }, model), OptionError);
  }
  await assert.rejects(
    create({ guidanceScale: 1 }, (_, pass) => (pass === 'conditional' ? logits : layer)),
    OptionError,
  );
  using sampler = await create({});
  await assert.rejects(sampler.decode([1, 2, 3]), ShapeError);
});
