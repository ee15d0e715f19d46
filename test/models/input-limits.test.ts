import assert from 'node:assert/strict';
import { it } from 'node:test';
import { OptionError, ShapeError } from '../../src/errors.js';
import { videoShape } from '../../src/models/map-diffusion/clip-encoder.js';
import { mapDiffusionConfigs } from '../../src/models/map-diffusion/config.js';
import { MapDiffusion } from '../../src/models/map-diffusion/model.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

it('a language model refuses a sequence that is too long in tokens', () => {
  const model = new LanguageModel(runtime, {
    ...{ hidden: 16, layers: 2, heads: 2, keyHeads: 2, headSize: 8, intermediate: 24, vocabulary: 20 },
    ...{ ropeTheta: 10_000, epsilon: 1e-5, maxPositions: 12, maskId: 19, tied: false },
  }).initialize(1);
  const tooLong = (tokens: number, most: number) => (error: unknown) =>
    error instanceof OptionError &&
    error.message.includes(`${tokens} tokens`) &&
    error.message.includes(`over the ${most} `);
  const embeddings = (length: number) => runtime.zeros([1, length, 16]);
  model.forward(embeddings(12)).dispose();
  assert.throws(() => model.forward(embeddings(13)), tooLong(13, 12));
  assert.throws(() => model.prefix(embeddings(13)), tooLong(13, 12));
  const others = model.keyValueCache(1, 20).from(8);
  assert.throws(() => model.forward(embeddings(5), { others }), tooLong(13, 12));
  model.dispose();
});

it('a map-diffusion model refuses a video of more clips than it sees', () => {
  const config = mapDiffusionConfigs.hapt;
  const model = new MapDiffusion(runtime, config);
  const { clips } = config.layout;
  const video = runtime.zeros(videoShape(config.clips, clips + 1, 1));
  const lengths = runtime.tensor([clips + 1], [1], 'u32');
  const words = {
    vectors: runtime.zeros([1, 1, config.words.size]),
    mask: runtime.tensor([1], [1, 1], 'u32'),
    counts: runtime.tensor([1], [1], 'u32'),
  };
  assert.throws(
    () => model.encode({ video, lengths, words }),
    (error) => error instanceof ShapeError && error.message.includes(`${clips} clips a video`),
  );
  model.dispose();
});
