import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { untilAborted } from '../../src/abort.js';
import { smallExamples, smallLanguage, smallMaps } from '../support/owners.js';
import {
  answerQuestions,
  decodeAnswer,
  encodeSafetensors,
  GaussianDiffusion,
  generateTokens,
  LanguageModel,
  Linear,
  loadMapDiffusion,
  loadSignalMdvlm,
  localizeMoments,
  MapDiffusion,
  MaskedSampler,
  MomentSampler,
  makeSignalMdvlm,
  OptionError,
  openSafetensors,
  SignalQuestions,
  type Tensor,
} from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';
import { loudMoments, smallMdvlm } from '../support/signal-questions.js';

const runtime = await testRuntime();
const reason = new Error('no longer wanted');

/** A signal that is aborted, and one that is when `abort` is called. */
const aborted = AbortSignal.abort(reason);
function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(reason) };
}

/** Work rejects with the reason and leaves no tensor and no byte behind. */
async function endsEarly(work: () => Promise<unknown>): Promise<void> {
  await runtime.finish();
  const { liveTensors, usedBytes } = runtime.memory;
  await assert.rejects(work(), reason);
  // What ends late is freed then.
  await runtime.finish();
  const now = runtime.memory;
  assert.deepEqual([now.liveTensors, now.usedBytes], [liveTensors, usedBytes]);
}

describe('untilAborted', () => {
  it('gives the result, or the reason at once and the result to whoever frees it', async () => {
    const { signal, abort } = abortable();
    const late: number[] = [];
    const add = (result: number) => late.push(result);
    assert.equal(await untilAborted(Promise.resolve(1), signal, add), 1);
    let finish!: (value: number) => void;
    const work = new Promise<number>((resolve) => {
      finish = resolve;
    });
    const waiting = untilAborted(work, signal, add);
    abort();
    await assert.rejects(waiting, reason);
    finish(2);
    await work;
    await null;
    assert.deepEqual(late, [2]);
    await assert.rejects(
      untilAborted(Promise.reject<number>(new Error('own')), abortable().signal, add),
      /own/,
    );
  });
});

describe('an aborted signal ends', () => {
  it('a capture, before it and while its kernels are compiled', async () => {
    const x = runtime.tensor([1, 2]);
    await endsEarly(() => runtime.capture(() => assert.fail('not begun'), { signal: aborted }));
    const { signal, abort } = abortable();
    await endsEarly(() => {
      const capture = runtime.capture(() => x.reshape([2, 1]), { signal });
      abort();
      return capture;
    });
    await assert.rejects(
      runtime.capture(() => x, { signal: 1 as never }),
      OptionError,
    );
    x.dispose();
  });

  it('the loading of weights, after a part of them', async () => {
    using layer = new Linear(runtime, 4, 4);
    const weights = { weight: [4, 4], bias: [4] };
    const arrays = Object.entries(weights).map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b));
      return [name, { dtype: 'f32', shape, data }] as const;
    });
    const checkpoint = await openSafetensors(encodeSafetensors(Object.fromEntries(arrays)));
    const { signal, abort } = abortable();
    let parts = 0;
    const onProgress = () => {
      parts++;
      abort();
    };
    await assert.rejects(layer.load(checkpoint, { chunkBytes: 16, onProgress, signal }), reason);
    assert.equal(parts, 1);
    await layer.load(checkpoint);
    await checkpoint.close();
  });

  it('the loading of models', async () => {
    const checkpoint = (name: string) =>
      fileURLToPath(new URL(`../../../checkpoints/${name}`, import.meta.url));
    for (const [load, name] of [
      [loadSignalMdvlm, 'hapt-mdvlm-tiny'],
      [loadMapDiffusion, 'hapt-map-diffusion'],
    ] as const) {
      await endsEarly(() => load(runtime, checkpoint(name), { signal: aborted }));
      const { signal, abort } = abortable();
      let parts = 0;
      const onProgress = () => {
        if (++parts === 2) abort();
      };
      await endsEarly(() => load(runtime, checkpoint(name), { signal, onProgress }));
      assert.equal(parts, 2);
      await assert.rejects(load(runtime, checkpoint(name), { signal: 1 as never }), OptionError);
    }
  });

  it('the making of samplers', async () => {
    const maps = new MapDiffusion(runtime, smallMaps).initialize(1);
    const sizes = { videos: 1, words: 2, steps: 2 };
    await endsEarly(() => MomentSampler.create(maps, { ...sizes, signal: aborted }));
    const { signal, abort } = abortable();
    await endsEarly(() => {
      const sampler = MomentSampler.create(maps, { ...sizes, signal });
      abort();
      return sampler;
    });
    maps.dispose();
    const diffusion = new GaussianDiffusion(runtime, { times: 4 });
    const denoise = (x: Tensor) => x;
    await endsEarly(() => diffusion.sampler([2, 2], denoise, { steps: 2, signal: aborted }));
    diffusion.dispose();
  });

  it('a decoding, whose sampler can decode again', async () => {
    const logits = runtime.zeros([1, 4, 8]);
    const options = { batch: 1, length: 4, answerLength: 4, maskId: 7 };
    await endsEarly(() => MaskedSampler.create(runtime, () => logits, { ...options, signal: aborted }));
    const sampler = await MaskedSampler.create(runtime, () => logits, options);
    const masked = new Uint32Array(4).fill(7);
    const whole = await sampler.decode(masked);
    const { signal, abort } = abortable();
    let steps = 0;
    const onStep = () => {
      if (++steps === 2) abort();
    };
    await endsEarly(() => sampler.decode(masked, { onStep, signal }));
    assert.equal(steps, 2);
    await endsEarly(() => sampler.decode(masked, { signal }));
    assert.deepEqual(await sampler.decode(masked), whole);
    sampler.dispose();
    logits.dispose();
  });

  it('an answer of a language model, with each cache', async () => {
    const model = new LanguageModel(runtime, smallLanguage).initialize(1);
    for (const cache of ['none', 'prefix', 'dual'] as const) {
      const { signal, abort } = abortable();
      let steps = 0;
      const onStep = () => {
        steps++;
        abort();
      };
      const options = { length: 4, blockLength: 2, steps: 4, cache, signal };
      await endsEarly(() => generateTokens(model, [1, 2], { ...options, onStep }));
      assert.equal(steps, 1);
      await endsEarly(() => decodeAnswer(model, [], options));
    }
    model.dispose();
  });

  it('localizing and answering, after a batch', async () => {
    const maps = new MapDiffusion(runtime, smallMaps).initialize(1);
    const first = abortable();
    const done: number[] = [];
    const onProgress = (count: number) => {
      done.push(count);
      first.abort();
    };
    const many = { ...smallExamples, size: 3 };
    await endsEarly(() =>
      localizeMoments(maps, many, { steps: 2, batch: 1, signal: first.signal, onProgress }),
    );
    assert.deepEqual(done, [1]);
    maps.dispose();
    const mdvlm = makeSignalMdvlm(runtime, smallMdvlm, ['when', 'is']);
    mdvlm.model.initialize(1);
    const questions = new SignalQuestions(mdvlm, loudMoments().asked);
    const second = abortable();
    let batches = 0;
    await endsEarly(() =>
      answerQuestions(mdvlm, questions, {
        ...{ batch: 1, signal: second.signal },
        onProgress: () => {
          batches++;
          second.abort();
        },
      }),
    );
    assert.equal(batches, 1);
    mdvlm.model.dispose();
  });
});
