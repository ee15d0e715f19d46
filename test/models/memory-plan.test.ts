import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { sizeClass } from '../../src/gpu/pool.js';
import { decodeAnswer } from '../../src/models/mdvlm/decoding/decode-answer.js';
import { languageConfigs } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import { memoryPlan } from '../../src/models/mdvlm/plan/memory-plan.js';
import type { PlannedDevice } from '../../src/models/mdvlm/plan/planned-device.js';
import type { PlannedModel, StepSizes } from '../../src/models/mdvlm/plan/planned-model.js';
import { videoMdvlmConfigs } from '../../src/models/mdvlm/video/video-config.js';
import { makeVideoMdvlm } from '../../src/models/mdvlm/video/video-folder.js';
import { tokensPerFrame } from '../../src/models/mdvlm/vision/vision-config.js';
import { loadChunkBytes } from '../../src/nn/load-weights.js';
import { weightStorages } from '../../src/nn/weight-storage.js';
import { concat } from '../../src/ops/array/concat.js';
import { testRuntime } from '../support/runtime.js';

// The plan of a model against what the buffer pool hands out.
const runtime = await testRuntime({ poison: false });
const { traits } = runtime;
const storages = weightStorages.filter((storage) => storage !== 'f16' || traits.f16);

const tableBytes = ({ language: { maxPositions, headSize } }: PlannedModel) =>
  sizeClass(4 * maxPositions * headSize);

/** What nobody uses is freed; then there is what the weights and the table of angles take. */
async function checkWeights(model: PlannedModel, weights: Readonly<Record<string, number>>): Promise<void> {
  await runtime.trim();
  const planned = Object.values(weights).reduce((a, b) => a + b, 0);
  assert.equal(runtime.memory.allocatedBytes, planned + tableBytes(model));
}

/** By how much the pool grows for the work of `body`. */
async function grown(body: () => Promise<unknown>): Promise<number> {
  await runtime.trim();
  const { allocatedBytes } = runtime.memory;
  await body();
  return runtime.memory.allocatedBytes - allocatedBytes;
}

/** What a language model takes to decode an answer after embeddings in parts of so many positions. */
async function decoding(language: LanguageModel, parts: readonly number[], answer: number): Promise<number> {
  return grown(async () => {
    const prompt = parts.map((count) => runtime.zeros([1, count, language.config.hidden]));
    await decodeAnswer(language, prompt, { length: answer, steps: 1 });
    for (const part of prompt) part.dispose();
  });
}

describe('the memory plan', () => {
  const { tiny } = languageConfigs;
  const narrow = { hidden: 32, heads: 1, keyHeads: 1, layers: 1 };
  const cases: [name: string, model: PlannedModel, sizes: StepSizes][] = [
    ['a short sequence', { language: tiny }, { frames: 0, prompt: 60, answer: 41 }],
    [
      'a sequence that feed-forward networks take in chunks',
      { language: { ...tiny, ...narrow, intermediate: 2 ** 14, maxPositions: 1200 } },
      { frames: 0, prompt: 1000, answer: 101 },
    ],
  ];
  for (const [name, model, sizes] of cases) {
    it(`is what ${name} takes`, async () => {
      const { language: config } = model;
      for (const storage of storages) {
        const plan = await memoryPlan(model, sizes, storage, traits);
        const language = new LanguageModel(runtime, config, { weights: storage }).initialize(1);
        await checkWeights(model, plan.weights);
        const bytes = await decoding(language, [sizes.prompt], sizes.answer);
        assert.equal(bytes, plan.activations - tableBytes(model), storage);
        const cache = await grown(async () =>
          language.keyValueCache(1, sizes.prompt + sizes.answer).dispose(),
        );
        assert.equal(cache, plan.cache, storage);
        language.dispose();
      }
    });
  }

  it('is what the loading of a checkpoint takes', async () => {
    const config = { ...tiny, layers: 1, vocabulary: 50_000 };
    for (const storage of storages) {
      const sizes = { frames: 0, prompt: 1, answer: 1 };
      const { weights, staging } = await memoryPlan({ language: config }, sizes, storage, traits);
      const own = await testRuntime({ poison: false });
      const language = new LanguageModel(own, config, { weights: storage });
      const state = Object.fromEntries(
        [...language.storedWeights()].map(([name, { shape }]) => {
          const data = new Uint16Array(shape.reduce((a, b) => a * b, 1));
          return [name, { dtype: 'bf16', shape, data } as const];
        }),
      );
      const bytes = encodeSafetensors(state);
      await language.load(await openSafetensors(bytes));
      const held = Object.values(weights).reduce((a, b) => a + b, 0) + tableBytes({ language: config });
      // Of each shape one is planned. The driver's copies are not in the pool.
      const shapes = new Map(Object.values(state).map(({ shape, data }) => [shape.join(), data.byteLength]));
      const copies = [...shapes.values()].reduce((a, b) => a + b, 0);
      assert.ok(copies < loadChunkBytes);
      assert.equal(own.memory.peakBytes - held, staging - copies, storage);
      own.destroy();
    }
  });

  const config = videoMdvlmConfigs.tiny;
  const { visual } = config;
  const { imageSize, patch, intermediate } = visual.vision;
  // Of five frames two are looked at together.
  const most = 2;
  const device: PlannedDevice = {
    ...traits,
    limits: {
      maxBufferSize: 2 ** 30,
      maxStorageBufferBindingSize: most * 4 * Math.floor(imageSize / patch) ** 2 * intermediate,
    },
  };
  for (const [name, sizes] of [
    ['the vision encoder takes', { frames: 5, prompt: 1, answer: 1 }],
    ['a language model takes in its turn', { frames: 5, prompt: 150, answer: 41 }],
  ] as const) {
    it(`is what ${name}`, async () => {
      for (const storage of storages) {
        const plan = await memoryPlan(config, sizes, storage, device);
        const model = makeVideoMdvlm(runtime, config, { weights: storage }).initialize(1);
        await checkWeights(config, plan.weights);
        const looking = await grown(async () => {
          const square = () => runtime.zeros([1, 3, imageSize, imageSize]);
          const squares = Array.from({ length: sizes.frames }, square);
          const pixels = concat(squares, 0);
          for (const square of squares) square.dispose();
          model.encoder.forward(pixels, most).dispose();
          pixels.dispose();
        });
        const seen = sizes.frames * tokensPerFrame(visual);
        const answering = await decoding(model.language, [seen, sizes.prompt], sizes.answer);
        assert.equal(Math.max(looking, answering), plan.activations - tableBytes(config), storage);
        assert.equal(looking > answering, sizes.prompt === 1, 'the one that takes more');
        model.dispose();
      }
    });
  }
});
