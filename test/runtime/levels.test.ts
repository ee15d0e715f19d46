import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { checkpoint } from '../../src/autograd/checkpoint.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import type { Video } from '../../src/data/video/video.js';
import { NotFiniteError, OptionError, ReleasedError, ShapeError } from '../../src/errors.js';
import { localizeMoments } from '../../src/models/map-diffusion/localize.js';
import { MapDiffusion } from '../../src/models/map-diffusion/model.js';
import { answerQuestions } from '../../src/models/mdvlm/decoding/answer-questions.js';
import { firstLogits, generateTokens } from '../../src/models/mdvlm/decoding/decode.js';
import { decodeAnswer } from '../../src/models/mdvlm/decoding/decode-answer.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import { makeSignalMdvlm } from '../../src/models/mdvlm/signal/signal-config.js';
import { SignalQuestions } from '../../src/models/mdvlm/signal/signal-questions.js';
import { WordVocabulary } from '../../src/models/mdvlm/signal/word-vocabulary.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { answerVideo, watchVideo } from '../../src/models/mdvlm/video/answer-video.js';
import { localizeVideo } from '../../src/models/mdvlm/video/localize-video.js';
import { videoMdvlmConfigs } from '../../src/models/mdvlm/video/video-config.js';
import { makeVideoMdvlm } from '../../src/models/mdvlm/video/video-folder.js';
import { Cmcs } from '../../src/models/wtal/cmcs.js';
import { localizeActions } from '../../src/models/wtal/localize.js';
import { Linear } from '../../src/nn/linear.js';
import { mul } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import { square } from '../../src/ops/array/unary.js';
import { matmulOperation } from '../../src/ops/matmul/matmul.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import { constantLearningRate } from '../../src/training/learning-rate.js';
import { train } from '../../src/training/train.js';
import type { TrainingOptions } from '../../src/training/training-options.js';
import type { LossParts, TrainingTask } from '../../src/training/training-task.js';
import { plus } from '../support/kernels.js';
import { smallExamples, smallLanguage, smallMaps } from '../support/owners.js';
import { testRuntime } from '../support/runtime.js';
import { loudMoments, loudSentences, smallMdvlm } from '../support/signal-questions.js';
import { smallTokenizer, smallTokenizerConfig } from '../support/small-tokenizer.js';

const runtime = await testRuntime({ poison: false });
const folder = await mkdtemp(join(tmpdir(), 'tal-levels-'));
after(() => rm(folder, { recursive: true, force: true }));

/** Buffers in use and their bytes. */
function level() {
  const { usedBuffers, usedBytes } = runtime.memory;
  return { usedBuffers, usedBytes };
}

/** Whether as much is in use after `body`, which is begun inside of a scope, as before: each of some times. */
async function staysLevel(body: () => unknown, times = 3): Promise<void> {
  for (let time = 0; time < times; time++) {
    const before = level();
    let done: unknown;
    runtime.scope(() => {
      done = (async () => body())();
    });
    await done;
    assert.deepEqual(level(), before, `time ${time}`);
  }
}

const thrown = new Error('thrown on purpose');
const fails = (): never => {
  throw thrown;
};

describe('a scope', () => {
  const x = runtime.tensor([1, 2, 3, 4]);

  it('frees what it made where it throws, at any depth', () =>
    staysLevel(() => {
      assert.throws(
        () =>
          runtime.scope(() => {
            plus(x, x);
            runtime.scope(() => {
              plus(x, x);
              runtime.scope(() => plus(x, x));
              fails();
            });
          }),
        thrown,
      );
    }));

  it('hands on what an inner scope returns, once', () =>
    staysLevel(() => {
      const { sums } = runtime.scope(() => {
        const [a, b] = runtime.scope(() => [plus(x, x), plus(x, x), x]);
        return { sums: [runtime.scope(() => a!), plus(a!, b!)] };
      });
      assert.equal(
        sums.some(({ isDisposed }) => isDisposed),
        false,
      );
      for (const tensor of sums) tensor.dispose();
      assert.equal(x.isDisposed, false);
    }));

  it('refuses an asynchronous body, and frees what it had made by then', () =>
    staysLevel(async () => {
      assert.throws(
        () =>
          runtime.scope(async () => {
            plus(x, x);
            await Promise.resolve();
          }),
        OptionError,
      );
      await Promise.resolve();
    }));

  it('is as it was after one that threw', () => {
    const outer = runtime.scope(() => {
      assert.throws(() => runtime.scope(fails), thrown);
      assert.throws(() => runtime.detached(fails), thrown);
      return plus(x, x);
    });
    assert.equal(outer.isDisposed, false);
    outer.dispose();
  });

  it('detached: frees what was made in a body that throws, also by an inner one', () =>
    staysLevel(() => {
      assert.throws(
        () =>
          runtime.detached(() => {
            runtime.detached(() => plus(x, x));
            new Linear(runtime, 2, 2).initialize(1);
            plus(x, x);
            fails();
          }),
        thrown,
      );
    }));

  it('a capture that cannot be made leaves nothing', () =>
    staysLevel(async () => {
      await assert.rejects(
        runtime.capture(() => {
          new Linear(runtime, 2, 2).initialize(1);
          plus(x, x);
          fails();
        }),
        thrown,
      );
    }));
});

describe('differentiation', () => {
  const x = runtime.tensor([1, 2, 3, 4]);
  const parameters = { x };
  /** The gradients of a loss, which are freed. */
  const differentiate = (loss: () => Tensor) => {
    const { value, gradients } = valueAndGrad(parameters, loss);
    for (const tensor of [value, gradients.x]) tensor.dispose();
  };

  it('frees all but the value and the gradients', () =>
    staysLevel(() => differentiate(() => sum(square(mul(twice(x), x))))));

  it('frees all with checkpoints', () =>
    staysLevel(() => differentiate(() => sum(checkpoint((x) => square(mul(x, x)), [x])))));

  it('frees all where the body throws', () =>
    staysLevel(() => {
      assert.throws(() => differentiate(() => mul(square(x), fails())), thrown);
      assert.throws(() => differentiate(() => square(x)), ShapeError);
    }));

  it('frees all where a gradient cannot be computed', () =>
    staysLevel(() => {
      const refused = { name: 'OptionError', message: /matmul with an activation has no gradient/ };
      assert.throws(() => differentiate(() => sum(fusedSquare(square(x)))), refused);
      assert.throws(() => differentiate(() => sum(checkpoint((x) => fusedSquare(square(x)), [x]))), refused);
    }));
});

/** Doubled, with a gradient. */
const twice = (x: Tensor): Tensor => mul(x, 2);

/** x · xᵀ by the operation itself: its rule keeps the operands, then refuses the fused activation. */
function fusedSquare(x: Tensor): Tensor {
  const row = x.reshape([1, -1]);
  return matmulOperation.run({ a: row, b: row }, { transposeB: true, activation: 'relu' }).output;
}

describe('finding and answering', () => {
  const { asked } = loudMoments();
  const language = new LanguageModel(runtime, smallLanguage).initialize(1);
  const sizes = { length: 4, blockLength: 2, steps: 2 };

  it('localizeActions', async () => {
    const model = new Cmcs(runtime, { channels: 4, width: 4, branchWidth: 4, branches: 1, classes: 2 });
    model.initialize(1);
    const features = { steps: 6, channels: 4, data: new Float32Array(24) };
    await staysLevel(() => localizeActions(model, features, ['a', 'b'], 6));
    model.dispose();
    await staysLevel(() => assert.rejects(localizeActions(model, features, ['a', 'b'], 6), ReleasedError));
  });

  it('localizeMoments', async () => {
    const model = new MapDiffusion(runtime, smallMaps).initialize(1);
    const options = { steps: 2, batch: 1 };
    await staysLevel(() => localizeMoments(model, smallExamples, options));
    await staysLevel(() => localizeMoments(model, smallExamples, { ...options, compat: 'ms-2d-tan' }));
    await staysLevel(() =>
      assert.rejects(localizeMoments(model, smallExamples, { ...options, onProgress: fails }), thrown),
    );
    await staysLevel(() =>
      assert.rejects(localizeMoments(model, { ...smallExamples, example: fails }, options), thrown),
    );
    model.dispose();
    await staysLevel(() => assert.rejects(localizeMoments(model, smallExamples, options), ReleasedError));
  });

  it('answerQuestions', async () => {
    const { words } = WordVocabulary.of(loudSentences(asked), smallMdvlm.times);
    const signal = makeSignalMdvlm(runtime, smallMdvlm, words);
    signal.model.initialize(1);
    const questions = new SignalQuestions(signal, asked);
    const options = { steps: 2, batch: 2, rho: 0.5, revise: 0.1 };
    await staysLevel(() => answerQuestions(signal, questions, options), 2);
    await staysLevel(() =>
      assert.rejects(answerQuestions(signal, questions, { ...options, onProgress: fails }), thrown),
    );
    await staysLevel(() => assert.rejects(answerQuestions(signal, questions, { revise: 2 }), OptionError));
    signal.model.dispose();
    await staysLevel(() => assert.rejects(answerQuestions(signal, questions, options), ReleasedError));
  });

  it('decodeAnswer, generateTokens and firstLogits', async () => {
    for (const cache of ['none', 'prefix', 'block', 'dual'] as const) {
      await staysLevel(() => generateTokens(language, [1, 2, 3], { ...sizes, cache, guidanceScale: 1 }), 2);
    }
    const span = new TimeTokens({ count: 4, firstId: 410 });
    const rules = { late: { ids: [5], rho: 0.5 }, banned: [6], span };
    await staysLevel(() => decodeAnswer(language, [], { ...sizes, ...rules }), 2);
    await staysLevel(() => assert.rejects(decodeAnswer(language, [], { ...sizes, ...rules }, fails), thrown));
    await staysLevel(() => generateTokens(language, [1], { ...sizes, onStep: () => {} }));
    await staysLevel(() => firstLogits(language, [1, 2, 3], sizes));
    await staysLevel(() =>
      assert.rejects(generateTokens(language, [1, 2], { ...sizes, onStep: fails }), thrown),
    );
    const gone = new LanguageModel(runtime, smallLanguage).initialize(1);
    gone.dispose();
    await staysLevel(async () => {
      await assert.rejects(generateTokens(gone, [1, 2], sizes), ReleasedError);
      await assert.rejects(firstLogits(gone, [1, 2], sizes), ReleasedError);
    });
  });

  it('watchVideo, answerVideo and localizeVideo', async () => {
    const config = videoMdvlmConfigs.tiny;
    const tokenizer = await loadTokenizer(
      { tokenizer: smallTokenizer(), config: smallTokenizerConfig },
      new TimeTokens(config.times),
    );
    const model = makeVideoMdvlm(runtime, config).initialize(1);
    const mdvlm = { config, tokenizer, model };
    const options = { ...sizes, frames: 2 };
    const event = { event: 'a wave' };
    await staysLevel(() => localizeVideo(mdvlm, greyVideo(), event, options), 2);
    await staysLevel(() =>
      assert.rejects(localizeVideo(mdvlm, greyVideo(), event, { ...options, onStep: fails }), thrown),
    );
    await staysLevel(() => assert.rejects(localizeVideo(mdvlm, greyVideo(fails), event, options), thrown));
    const seen = await watchVideo(mdvlm, greyVideo(), { frames: 2 });
    await staysLevel(() => answerVideo(mdvlm, seen, 'when?', { ...sizes, timesFirst: true, rho: 0.5 }), 2);
    await staysLevel(() => assert.rejects(answerVideo(mdvlm, seen, 'when?', { length: 4096 }), OptionError));
    assert.equal(seen.visual.isDisposed, false);
    model.dispose();
    await staysLevel(async () => {
      await assert.rejects(answerVideo(mdvlm, seen, 'when?', sizes), ReleasedError);
      await assert.rejects(localizeVideo(mdvlm, greyVideo(), event, options), ReleasedError);
    });
  });
});

/** Four seconds of grey. */
function greyVideo(onPicture: (index: number) => void = () => {}): Video {
  const seconds = [0, 1, 2, 3];
  return {
    ...{ duration: 4, width: 4, height: 4 },
    frames: fails,
    frameTimes: async () => seconds,
    async *pictures(times) {
      for (const [i, time] of times.entries()) {
        if (i > 0) onPicture(i);
        yield { ...{ width: 4, height: 4 }, time, pixels: new Uint8Array(64).fill(99) } as never;
      }
    },
    close: async () => {},
  };
}

describe('train', () => {
  const x = runtime.tensor([1, 2], [1, 2]);

  class Fit implements TrainingTask {
    readonly sampler = shuffledBatches(4, 1);
    readonly model = new Linear(runtime, 2, 1).initialize(1);
    prepare(): void {}
    loss(): LossParts {
      return { error: sum(square(this.model.forward(x))) };
    }
  }

  let runs = 0;
  const options = (more: Partial<TrainingOptions> = {}): TrainingOptions => ({
    ...{ steps: 3, seed: 1, settings: 'fit', learningRate: constantLearningRate(0.1), average: 0.9 },
    folder: join(folder, `run ${runs++}`),
    ...more,
  });

  const endings: Record<string, (task: Fit) => Promise<unknown>> = {
    'at its end': (task) => train(task, options()),
    'where it is aborted': async (task) => {
      const stop = new AbortController();
      assert.equal(await train(task, options({ signal: stop.signal, onStep: () => stop.abort() })), false);
    },
    'where it goes on, and the state is of another optimizer': async (task) => {
      const { average, ...without } = options({ steps: 1 });
      await train(task, without);
      await assert.rejects(train(task, { ...without, average: average! }), /another average/);
    },
    'where a step throws': (task) => assert.rejects(train(task, options({ onStep: fails })), thrown),
    'where operands cannot be written': (task) => {
      task.prepare = fails;
      return assert.rejects(train(task, options()), thrown);
    },
    'where the loss cannot be recorded': (task) => {
      task.loss = () => ({ error: mul(square(x), fails()) });
      return assert.rejects(train(task, options()), thrown);
    },
    'where the loss is no number': (task) => {
      task.loss = () => ({ error: sum(mul(task.model.forward(x), Number.NaN)) });
      return assert.rejects(train(task, options({ steps: 30 })), NotFiniteError);
    },
  };
  for (const [name, run] of Object.entries(endings)) {
    it(`gives back what it took ${name}`, () =>
      staysLevel(async () => {
        const task = new Fit();
        await run(task);
        task.model.dispose();
      }, 2));
  }
});
