import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sizeClass } from '../../src/gpu/pool.js';
import { languageConfigs } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import { memoryPlan, type PlannedDevice } from '../../src/models/mdvlm/plan/memory-plan.js';
import type { PlannedModel } from '../../src/models/mdvlm/plan/planned-model.js';
import type { StepSizes } from '../../src/models/mdvlm/plan/step-cost.js';
import { videoMdvlmConfigs } from '../../src/models/mdvlm/video/video-config.js';
import { makeVideoMdvlm } from '../../src/models/mdvlm/video/video-folder.js';
import { tokensPerFrame } from '../../src/models/mdvlm/vision/vision-config.js';
import { quantizedBits, type WeightStorage, weightStorages } from '../../src/nn/weight-storage.js';
import { concat } from '../../src/ops/array/concat.js';
import type { Tensor } from '../../src/tensor/tensor.js';
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

/** By how much the pool grows for the work of `body`, which is recorded as a step of a decoding is, and not run. */
async function grown(body: () => Tensor): Promise<number> {
  await runtime.trim();
  const { allocatedBytes } = runtime.memory;
  using _ = await runtime.capture(body);
  return runtime.memory.allocatedBytes - allocatedBytes;
}

/** What only tensor cores need: a quantised matrix of so many numbers. */
const dequantized = (matrix: number, storage: WeightStorage) =>
  traits.f16 && quantizedBits(storage) ? sizeClass(2 * matrix) : 0;

/** What the language model makes of an answer behind all parts of a prompt. */
function statesOf(language: LanguageModel, prompt: readonly Tensor[], answer: Tensor): Tensor {
  const all = runtime.scope(() => concat([...prompt, language.embed(answer)], 1));
  return language.forward(all, { consume: true });
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
        const plan = memoryPlan(model, sizes, storage, traits);
        const language = new LanguageModel(runtime, config, { weights: storage }).initialize(1);
        await checkWeights(model, plan.weights);
        using answer = runtime.zeros([1, sizes.answer], 'u32');
        const bytes = await grown(() => {
          const prompt = runtime.zeros([1, sizes.prompt, config.hidden]);
          return statesOf(language, [prompt], answer);
        });
        const matrix = dequantized(config.hidden * config.intermediate, storage);
        assert.equal(bytes, plan.activations - tableBytes(model) - matrix, storage);
        language.dispose();
      }
    });
  }

  const config = videoMdvlmConfigs.tiny;
  const { language, visual } = config;
  const { imageSize, patch, width, intermediate } = visual.vision;
  // Of five frames two are looked at together.
  const most = 2;
  const device: PlannedDevice = {
    f16: traits.f16,
    limits: {
      maxBufferSize: 2 ** 30,
      maxStorageBufferBindingSize: most * 4 * Math.floor(imageSize / patch) ** 2 * intermediate,
    },
  };
  for (const [name, sizes, matrix] of [
    ['the vision encoder takes', { frames: 5, prompt: 1, answer: 1 }, width * intermediate],
    [
      'a language model takes in its turn',
      { frames: 5, prompt: 150, answer: 41 },
      language.hidden * language.intermediate,
    ],
  ] as const) {
    it(`is what ${name}`, async () => {
      for (const storage of storages) {
        const plan = memoryPlan(config, sizes, storage, device);
        const model = makeVideoMdvlm(runtime, config, { weights: storage }).initialize(1);
        await checkWeights(config, plan.weights);
        using answer = runtime.zeros([1, sizes.answer], 'u32');
        const looking = await grown(() => {
          const square = () => runtime.zeros([1, 3, imageSize, imageSize]);
          const squares = Array.from({ length: sizes.frames }, square);
          const pixels = concat(squares, 0);
          for (const square of squares) square.dispose();
          return model.encoder.forward(pixels, most);
        });
        const answering = await grown(() => {
          const seen = runtime.zeros([1, sizes.frames * tokensPerFrame(visual), language.hidden]);
          const words = runtime.zeros([1, sizes.prompt, language.hidden]);
          return statesOf(model.language, [seen, words], answer);
        });
        const turns = Math.max(looking, answering);
        assert.equal(turns, plan.activations - tableBytes(config) - dequantized(matrix, storage), storage);
        model.dispose();
      }
    });
  }
});
