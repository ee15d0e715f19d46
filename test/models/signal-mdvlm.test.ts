import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { OptionError } from '../../src/errors.js';
import { answerQuestions } from '../../src/models/mdvlm/decoding/answer-questions.js';
import { type AnswerOrder, answerOrders } from '../../src/models/mdvlm/mdvlm.js';
import {
  checkSignalMdvlmConfig,
  makeSignalMdvlm,
  signalMdvlmConfigs,
} from '../../src/models/mdvlm/signal/signal-config.js';
import {
  questionInputs,
  SignalQuestions,
  writeQuestions,
} from '../../src/models/mdvlm/signal/signal-questions.js';
import { concat } from '../../src/ops/array/concat.js';
import { narrow } from '../../src/ops/array/slice.js';
import { testRuntime } from '../support/runtime.js';
import { loudMoments, smallMdvlm } from '../support/signal-questions.js';

const runtime = await testRuntime();
const { asked } = loudMoments();
const words = ['is', 'left', 'loud', 'one', 'right', 'the', 'when'];

function made(order: AnswerOrder = 'diffusion', question = smallMdvlm.question) {
  const mdvlm = makeSignalMdvlm(runtime, { ...smallMdvlm, order, question }, words);
  mdvlm.model.initialize(3);
  return mdvlm;
}

/** Hidden states of answers to all four questions. */
async function hidden(mdvlm: ReturnType<typeof made>, answers: readonly number[]): Promise<Float32Array> {
  const { model, config } = mdvlm;
  const questions = new SignalQuestions(mdvlm, asked);
  const inputs = questionInputs(runtime, config, 4);
  writeQuestions(mdvlm, await Promise.all(asked.map((_, i) => questions.question(i))), inputs);
  const prompt = model.prompt(model.encoder.forward(inputs.video), inputs);
  const ids = runtime.tensor(answers, [answers.length / 3, 3], 'u32');
  return (await model.answer(prompt, ids).hidden.read()) as Float32Array;
}

const { hidden: size } = smallMdvlm.language;
const vector = (states: Float32Array, row: number, position: number) =>
  states.slice((3 * row + position) * size, (3 * row + position + 1) * size);
const four = (answer: readonly number[]) => [answer, answer, answer, answer].flat();

describe('a masked diffusion model of signals', () => {
  it('sees the answer from everywhere, an autoregressive one what came before', async () => {
    const diffusion = made();
    const [a, b] = [await hidden(diffusion, four([5, 6, 1])), await hidden(diffusion, four([5, 7, 1]))];
    for (const position of [0, 1, 2]) {
      assert.notDeepEqual(vector(a, 0, position), vector(b, 0, position));
    }
    const autoregressive = made('autoregressive');
    const [c, d] = [
      await hidden(autoregressive, four([5, 6, 1])),
      await hidden(autoregressive, four([5, 7, 1])),
    ];
    for (const position of [0, 1]) assert.deepEqual(vector(c, 0, position), vector(d, 0, position));
    assert.notDeepEqual(vector(c, 0, 2), vector(d, 0, 2));
    for (const { model } of [diffusion, autoregressive]) model.dispose();
  });

  it('gives answer r prompt r mod B', async () => {
    for (const order of answerOrders) {
      const mdvlm = made(order);
      const [once, twice] = [
        await hidden(mdvlm, four([5, 6, 1])),
        await hidden(mdvlm, four([5, 6, 1, 5, 6, 1])),
      ];
      assert.notDeepEqual(vector(once, 0, 0), vector(once, 1, 0), 'questions differ');
      assert.ok(relativeError(twice, [...once, ...once]) < 1e-5);
      mdvlm.model.dispose();
    }
  });

  it('goes through a prompt that sees only itself once, to the same as with each answer', async () => {
    const [split, whole] = [made('prefix-diffusion'), made('diffusion')];
    const { model, config } = whole;
    const questions = new SignalQuestions(whole, asked);
    const inputs = questionInputs(runtime, config, 1);
    writeQuestions(whole, [await questions.question(3)], inputs);
    const prompt = model.prompt(model.encoder.forward(inputs.video), inputs);
    assert.ok('embeddings' in prompt);
    const before = prompt.embeddings.shape[1]!;
    const ids = runtime.tensor([5, 6, 1], [1, 3], 'u32');
    const together = concat([prompt.embeddings, model.language.embed(ids)], 1);
    const keyMask = concat([inputs.keyMask, runtime.tensor([1, 1, 1], [1, 3], 'u32')], 1);
    const mask = { kind: 'prefix', prefixLength: before } as const;
    const states = narrow(model.language.forward(together, { keyMask, mask }), 1, before, 3);
    const own = split.model.prompt(split.model.encoder.forward(inputs.video), inputs);
    const { hidden } = split.model.answer(own, ids);
    assert.ok(relativeError(await hidden.read(), await states.read()) < 1e-5);
    for (const { model } of [split, whole]) model.dispose();
  });

  it('does not see what is beyond the end of an excerpt', async () => {
    const mdvlm = made();
    const questions = new SignalQuestions(mdvlm, asked);
    // 6 of 8 seconds.
    const short = await questions.question(3);
    assert.equal(short.clips, 6);
    const inputs = questionInputs(runtime, mdvlm.config, 2);
    const other = short.video.map((value, i) => (i % 80 >= 75 ? 9 : value));
    writeQuestions(mdvlm, [short, { ...short, video: other }], inputs);
    const features = (await mdvlm.model.encoder.forward(inputs.video).read()) as Float32Array;
    const half = features.length / 2;
    assert.notDeepEqual(features.slice(0, half), features.slice(half));
    const prompt = mdvlm.model.prompt(mdvlm.model.encoder.forward(inputs.video), inputs);
    const ids = runtime.tensor([3, 3, 3, 3, 3, 3], [2, 3], 'u32');
    const states = (await mdvlm.model.answer(prompt, ids).hidden.read()) as Float32Array;
    // The convolutions of the first six clips reach one clip further, which is still silent.
    assert.deepEqual(states.slice(0, states.length / 2), states.slice(states.length / 2));
    mdvlm.model.dispose();
  });

  it('answers with spans within the excerpt, in every order of steps, and gives back all that it took', async () => {
    const { usedBytes } = runtime.memory;
    for (const order of answerOrders) {
      const mdvlm = made(order);
      const questions = new SignalQuestions(mdvlm, asked);
      for (const options of [{}, { rho: 0.5, steps: 6 }, { steps: 1 }, { steps: 5, revise: 0.5, batch: 3 }]) {
        const found = await answerQuestions(mdvlm, questions, options);
        assert.equal(found.length, 4);
        found.forEach(([start, end], i) => {
          assert.ok(0 <= start && start <= end && end <= asked[i]!.window[1], `${start} to ${end}`);
        });
      }
      mdvlm.model.dispose();
    }
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });

  it('refuses what it cannot do', async () => {
    const mdvlm = made('diffusion', 3);
    assert.throws(
      () => new SignalQuestions(mdvlm, asked),
      /"when is left loud" has 4 words, the model reads 3/,
    );
    mdvlm.model.dispose();
    const whole = made();
    const questions = new SignalQuestions(whole, asked);
    for (const options of [{ rho: 0 }, { revise: 1 }, { steps: 0 }]) {
      await assert.rejects(answerQuestions(whole, questions, options), OptionError);
    }
    whole.model.dispose();
    for (const change of [
      { times: 0 },
      { order: 'backwards' },
      { encoder: undefined },
      { grounding: { weight: 1 } },
    ]) {
      assert.throws(() => checkSignalMdvlmConfig({ ...smallMdvlm, ...change }), OptionError);
    }
  });

  it('has the size that its configuration promises', () => {
    const { model } = makeSignalMdvlm(runtime, signalMdvlmConfigs['hapt-mdvlm-tiny'], words);
    const count = [...model.parameters()].reduce(
      (total, [, { shape, trained }]) => total + (trained ? shape.reduce((a, b) => a * b, 1) : 0),
      0,
    );
    assert.ok(count > 420_000 && count < 520_000, `${count}`);
  });
});
