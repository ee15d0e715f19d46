import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { OptionError } from '../../src/errors.js';
import { firstLogits, generateTokens } from '../../src/models/mdvlm/decoding/decode.js';
import { answerSizes } from '../../src/models/mdvlm/decoding/decoding-options.js';
import { languageConfigs } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { LanguageGolden, languageGoldenNames, maskedLoss, seenRows } from '../support/language-golden.js';
import { testRuntime } from '../support/runtime.js';

// The language model against PyTorch: small checkpoints whose answers mdvlm-twin.py stored.
const runtime = await testRuntime();

for (const name of languageGoldenNames) {
  describe(`the language model of the checkpoint ${name}`, () => {
    it('has PyTorch’s hidden states, logits and gradients', async (test) => {
      const golden = await LanguageGolden.open(name);
      const model = await golden.model(runtime);
      const operands = ['ids', 'seen', 'masked', 'targets'].map((name) => golden.operand(runtime, name));
      const [ids, seen, masked, targets] = (await Promise.all(operands)) as [Tensor, Tensor, Tensor, Tensor];
      let worst = 0;
      const compare = async (what: string, actual: Float32Array, bound: number) => {
        const error = relativeError(actual, await golden.numbers(what));
        assert.ok(error < bound, `${what} is off by ${error}`);
        worst = Math.max(worst, error);
      };
      const hidden = model.forward(model.embed(ids), { keyMask: seen });
      await compare('expected/hidden', await seenRows(hidden, seen), 1e-5);
      await compare('expected/logits', await seenRows(model.logits(hidden), seen), 1e-5);
      const weights = model.weights();
      const { value, gradients } = valueAndGrad(weights, () => maskedLoss(model, ids, seen, masked, targets));
      await compare('expected/loss', (await value.read()) as Float32Array, 1e-5);
      const expected = [...golden.stored.tensors.keys()].filter((name) => name.startsWith('gradient/'));
      assert.deepEqual(
        Object.keys(weights)
          .map((name) => `gradient/${name}`)
          .sort(),
        expected.sort(),
      );
      for (const [name, gradient] of Object.entries(gradients)) {
        await compare(`gradient/${name}`, (await gradient.read()) as Float32Array, 1e-4);
      }
      model.dispose();
      test.diagnostic(`largest error ${worst.toExponential(1)}`);
    });

    it('decodes what PyTorch does, step for step', async () => {
      const golden = await LanguageGolden.open(name);
      const model = await golden.model(runtime);
      for (const { prompt, trace, ...options } of golden.decodings) {
        const steps: number[][] = [];
        const ids = await generateTokens(model, prompt, { ...options, onStep: (ids) => steps.push(ids) });
        assert.deepEqual(steps, trace);
        assert.deepEqual(ids, trace.at(-1));
      }
      const { prompt, trace, ...options } = golden.decodings[0]!;
      const unseen = await generateTokens(model, prompt, options);
      assert.deepEqual(unseen, trace.at(-1), 'without looking at the steps');
      model.dispose();
    });
  });
}

describe('the language model', () => {
  const skip = runtime.traits.f16 ? false : 'this adapter has no f16';

  it('is close to itself with f16 weights', { skip }, async () => {
    const golden = await LanguageGolden.open('llama');
    const model = await golden.model(runtime, { weights: 'f16' });
    const [ids, seen] = await Promise.all(['ids', 'seen'].map((name) => golden.operand(runtime, name)));
    const hidden = model.forward(model.embed(ids!), { keyMask: seen! });
    const logits = await seenRows(model.logits(hidden), seen!);
    const error = relativeError(logits, await golden.numbers('expected/logits'));
    assert.ok(error > 0 && error < 5e-3, `off by ${error}`);
    model.dispose();
  });

  it('sees both ways, and only what masks leave', async () => {
    const model = new LanguageModel(runtime, languageConfigs.tiny).initialize(1);
    const hidden = (ids: number[], options = {}) => {
      const tokens = runtime.tensor(ids, [1, ids.length], 'u32');
      return model.forward(model.embed(tokens), options);
    };
    const first = async (x: Tensor) => (await x.read()).slice(0, model.config.hidden);
    const some = await first(hidden([1, 2, 3, 4]));
    assert.notDeepEqual(await first(hidden([1, 2, 3, 5])), some, 'the last token is seen from the first');
    const causal = { mask: { kind: 'causal' } } as const;
    assert.deepEqual(await first(hidden([1, 2, 3, 4], causal)), await first(hidden([1, 2, 3, 5], causal)));
    // Rotary positions are relative: the same further on, and after padding that nobody sees.
    const shifted = hidden([1, 2, 3, 4], { positions: runtime.tensor([9, 10, 11, 12], [4], 'u32') });
    const padded = hidden([7, 1, 2, 3, 4], { keyMask: runtime.tensor([0, 1, 1, 1, 1], [1, 5], 'u32') });
    const all = (await hidden([1, 2, 3, 4]).read()) as Float32Array;
    assert.ok(relativeError((await shifted.read()) as Float32Array, all) < 1e-5);
    assert.ok(relativeError(((await padded.read()) as Float32Array).slice(model.config.hidden), all) < 1e-5);
    model.dispose();
  });

  it('gives back all that it took', async () => {
    const { usedBytes } = runtime.memory;
    const model = new LanguageModel(runtime, languageConfigs.tiny).initialize(1);
    await generateTokens(model, [1, 2, 3], { length: 8 });
    await firstLogits(model, [1, 2, 3], { length: 8 });
    model.dispose();
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });

  it('answers without a prompt, and draws other answers by other seeds', async () => {
    const model = new LanguageModel(runtime, languageConfigs.tiny).initialize(1);
    const draw = (seed: number) => generateTokens(model, [], { length: 16, temperature: 1, seed });
    const ids = await draw(1);
    assert.equal(ids.length, 16);
    assert.deepEqual(await draw(1), ids);
    assert.notDeepEqual(await draw(2), ids);
    model.dispose();
  });

  it('gives the logits of the prompt and a masked answer', async () => {
    const golden = await LanguageGolden.open('llada');
    const model = await golden.model(runtime);
    const { shape, data } = await firstLogits(model, [4, 5], { length: 3 });
    assert.deepEqual(shape, [5, 72]);
    const { maskId } = model.config;
    const tokens = runtime.tensor([4, 5, maskId, maskId, maskId], [1, 5], 'u32');
    assert.deepEqual(data, await model.logits(model.forward(model.embed(tokens))).read());
    model.dispose();
  });

  it('has sizes of an answer by default, and refuses those that do not fit', () => {
    assert.deepEqual(answerSizes({}), { length: 128, blockLength: 128, steps: 128 });
    assert.deepEqual(answerSizes({ length: 256 }), { length: 256, blockLength: 128, steps: 128 });
    assert.deepEqual(answerSizes({ length: 48 }), { length: 48, blockLength: 48, steps: 48 });
    assert.deepEqual(answerSizes({ length: 48, blockLength: 16 }), {
      length: 48,
      blockLength: 16,
      steps: 48,
    });
    assert.throws(() => answerSizes({ length: 48, blockLength: 32 }), OptionError);
    assert.throws(() => answerSizes({ length: 48, blockLength: 16, steps: 16 }), OptionError);
    assert.throws(() => answerSizes({ length: 0 }), OptionError);
  });

  it('refuses prompts that it cannot answer', async () => {
    const model = new LanguageModel(runtime, languageConfigs.tiny).initialize(1);
    const refused = (prompt: number[], length: number, message: RegExp) =>
      assert.rejects(generateTokens(model, prompt, { length }), message);
    await refused([1, 512], 8, /id 1 of the prompt, 512/);
    await refused([-1], 8, /prompt\[0\]/);
    await refused([0.5], 8, /prompt\[0\]/);
    await refused([511], 8, /is the mask/);
    await refused([1, 2, 3], 510, /512 positions/);
    model.dispose();
  });
});
