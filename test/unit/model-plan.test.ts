import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adapterLines, modelPlanLines } from '../../src/cli/commands/doctor-model.js';
import { OptionError } from '../../src/errors.js';
import {
  fitsMemory,
  memoryPlan,
  planObstacle,
  pooledBytes,
} from '../../src/models/mdvlm/plan/memory-plan.js';
import { modelPlan } from '../../src/models/mdvlm/plan/model-plan.js';
import { plannedModels } from '../../src/models/mdvlm/plan/planned-model.js';
import { defaultSizes, stepBytes, stepFlops } from '../../src/models/mdvlm/plan/step-cost.js';
import { weightStorages } from '../../src/nn/weight-storage.js';

const gpu = { f16: true, limits: { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 } };
const small = { ...gpu, limits: { ...gpu.limits, maxStorageBufferBindingSize: 2 ** 27 } };
const text = plannedModels['llada-8b'];
const video = plannedModels['llada-v-8b'];

/** Within so many of the last digit that a source gives. */
const near = (value: number, expected: number, digit: number) =>
  assert.ok(Math.abs(value - expected) <= digit, `${value} is not ${expected}`);

describe('the plan of a model', () => {
  it('counts the parameters of LLaDA and of LLaDA-V', () => {
    assert.equal(modelPlan(text, gpu).parameters.total, 8_015_581_184);
    const { parameters } = modelPlan(video, gpu);
    near(parameters.total, 8.435e9, 0.5e6);
    near(parameters['vision tower'], 0.398e9, 0.5e6);
    // The projector with its biases, and the token at the end of a row.
    near(parameters.projector, 21.5e6 + 4096, 0.05e6);
  });

  it('counts the operations of a step over 32 frames', () => {
    const { positions, flops } = modelPlan(video, gpu);
    assert.equal(positions, 6720 + 256);
    near(flops.linear, 97e12, 0.5e12);
    near(flops.attention, 26e12, 0.5e12);
    near(flops.total, 123e12, 0.5e12);
    assert.equal(flops.total, flops.linear + flops.attention + flops.vocabulary);
    // The last layer of 256 rows.
    near(stepFlops(video, { frames: 0, prompt: 0, answer: 256 }).vocabulary, 0.27e12, 0.005e12);
    assert.equal(modelPlan(text, gpu).visionFlops, 0);
    assert.equal(modelPlan(video, gpu, { frames: 0 }).visionFlops, 0);
  });

  it('reads each weight once, the quantised ones in their bits', () => {
    const bytes = (storage: 'f32' | 'f16' | 'int8' | 'int4') =>
      stepBytes(text, defaultSizes(text), storage, gpu).weights;
    // All but the embedding, of which 256 rows; the norms are f32.
    const linear = 32 * (4 * 4096 ** 2 + 3 * 4096 * 12_288);
    const matrices = linear + 126_464 * 4096 + 256 * 4096;
    assert.equal(bytes('f32'), 4 * matrices + 4 * 65 * 4096);
    assert.equal(bytes('f16'), 2 * matrices + 4 * 65 * 4096);
    assert.equal(bytes('f16') - bytes('int4'), linear * (2 - 4.25 / 8));
    assert.equal(bytes('f16') - bytes('int8'), linear * (2 - 8.25 / 8));
    const wide = (storage: 'f32' | 'int4') =>
      stepBytes(text, defaultSizes(text), storage, { f16: false }).weights;
    assert.equal(wide('f32') - wide('int4'), linear * (4 - 4.5 / 8));
  });

  it('says where the weights fit', () => {
    const fits = (model: typeof text | typeof video, ...sizes: Parameters<typeof modelPlan>[2][]) =>
      weightStorages.map((storage) => modelPlan(model, gpu, ...sizes).storages[storage].fits);
    assert.deepEqual(fits(text), [[], [24], [12, 16, 24], [8, 12, 16, 24]]);
    assert.deepEqual(fits(video), [[], [24], [12, 16, 24], [8, 12, 16, 24]]);
    const { total } = modelPlan(video, gpu).storages.int4;
    near(total, 7.355e9, 0.5e6);
    assert.ok(fitsMemory(90, 100) && !fitsMemory(91, 100));
  });

  it('knows what stands in the way of an adapter', () => {
    const obstacle = (storage: 'f32' | 'f16' | 'int4', model: typeof text | typeof video, device = gpu) =>
      planObstacle(memoryPlan(model, defaultSizes(model), storage, device), storage, device);
    assert.equal(obstacle('int4', video), undefined);
    assert.equal(obstacle('int4', text, small), undefined, 'weights are bound in parts');
    assert.equal(obstacle('int4', video, small), undefined, 'feed-forward networks take positions in chunks');
    const long = memoryPlan(video, { ...defaultSizes(video), frames: 48 }, 'int4', small);
    assert.match(planObstacle(long, 'int4', small)!, /must bind 169 MB, it binds 134 MB/);
    const narrow = { ...gpu, limits: { ...gpu.limits, maxBufferSize: 2 ** 30 } };
    assert.match(obstacle('f32', text, narrow)!, /embed_tokens takes 2071 MB/);
    assert.equal(obstacle('int4', text, narrow), undefined);
    const wide = { ...gpu, f16: false };
    assert.match(obstacle('f16', text, wide)!, /no f16/);
    assert.equal(obstacle('int4', text, wide), undefined);
  });

  it('takes the most of each class of buffers that any stage has', () => {
    assert.equal(pooledBytes([]), 0);
    assert.equal(pooledBytes([[1000, 1000], [1024], [4096]]), 2 * 1024 + 4096);
  });

  it('refuses sizes that the model does not have', () => {
    assert.throws(() => modelPlan(text, gpu, { frames: 1 }), OptionError);
    assert.throws(() => modelPlan(text, gpu, { prompt: 4000 }), /4128 positions are over the model's 4096/);
  });

  it('is printed with a verdict for each way to store the weights', () => {
    const plan = modelPlan(video, gpu);
    const lines = modelPlanLines(plan).join('\n');
    assert.match(lines, /parameters +8\.435 B/);
    assert.match(lines, /32 frames, 128 tokens of prompt, 128 of answer, 6976 positions/);
    assert.match(lines, /TFLOP +123\.0/);
    assert.match(lines, /fits 8 GB, cache and all +no +no +no +no cache/);
    assert.match(lines, /fits 12 GB, cache and all +no +no +no cache +yes/);
    const long = modelPlan(video, small, { frames: 48 });
    const adapter = adapterLines(long, { ...small, description: 'some GPU' }, undefined);
    assert.match(adapter.join('\n'), /embed_tokens, bound in 8 parts[\s\S]*int4 +a layer must bind/);
    const enough = (memory: number) => adapterLines(plan, { ...gpu, description: '' }, memory).at(-1)!;
    assert.match(enough(2 ** 35), /int4 +fits/);
    assert.match(enough(2 ** 32), /int4 +more than its memory/);
  });
});
