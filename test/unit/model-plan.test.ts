import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adapterLines, modelPlanLines } from '../../src/cli/commands/doctor-model.js';
import { OptionError } from '../../src/errors.js';
import { fitsMemory, memoryPlan, planObstacle } from '../../src/models/mdvlm/plan/memory-plan.js';
import { modelPlan } from '../../src/models/mdvlm/plan/model-plan.js';
import { defaultSizes, plannedModels } from '../../src/models/mdvlm/plan/planned-model.js';
import { stepCost } from '../../src/models/mdvlm/plan/step-cost.js';
import { weightStorages } from '../../src/nn/weight-storage.js';

const gpu = { f16: true, limits: { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 } };
const small = { ...gpu, limits: { ...gpu.limits, maxStorageBufferBindingSize: 2 ** 27 } };
const text = plannedModels['llada-8b'];
const video = plannedModels['llada-v-8b'];

/** What several tests look at; the last is too long for the small device. */
const plans = { text: await modelPlan(text, gpu), video: await modelPlan(video, gpu) };
const long = await memoryPlan(video, { ...defaultSizes(video), frames: 48 }, 'int4', small);

/** Within so many of the last digit that a source gives. */
const near = (value: number, expected: number, digit: number) =>
  assert.ok(Math.abs(value - expected) <= digit, `${value} is not ${expected}`);

describe('the plan of a model', () => {
  it('counts the parameters of LLaDA and of LLaDA-V', () => {
    assert.equal(plans.text.parameters.total, 8_015_581_184);
    const { parameters } = plans.video;
    near(parameters.total, 8.435e9, 0.5e6);
    near(parameters['vision tower'], 0.398e9, 0.5e6);
    // The projector with its biases, and the token at the end of a row.
    near(parameters.projector, 21.5e6 + 4096, 0.05e6);
  });

  it('counts the operations of a step over 32 frames', async () => {
    const { positions, flops } = plans.video;
    assert.equal(positions, 6720 + 256);
    near(flops.linear, 97e12, 0.5e12);
    near(flops.attention, 26e12, 0.5e12);
    near(flops.total, 123e12, 0.5e12);
    assert.equal(flops.total, flops.linear + flops.attention + flops.vocabulary);
    const { language } = video;
    // What LLaDA's layers, its attention and its last layer of 128 rows come to, written out.
    const { hidden, intermediate, layers, vocabulary } = language;
    assert.equal(flops.linear, 2 * positions * layers * (4 * hidden ** 2 + 3 * hidden * intermediate));
    assert.equal(flops.attention, 4 * positions ** 2 * hidden * layers);
    assert.equal(flops.vocabulary, 2 * 128 * hidden * vocabulary);
    assert.equal(plans.text.visionFlops, 0);
    const { visionFlops } = plans.video;
    const { vision, projector } = video.visual;
    const [patches, width] = [27 ** 2, vision.width];
    const layer = 4 * width ** 2 + 2 * width * vision.intermediate;
    const matrices = 3 * 14 ** 2 * width + 26 * layer + (width + projector.hidden) * projector.hidden;
    assert.equal(visionFlops, 32 * (2 * patches * matrices + 4 * patches ** 2 * width * 26));
    assert.equal((await stepCost(video, { ...defaultSizes(video), frames: 0 }, 'f16', gpu)).visionFlops, 0);
  });

  it('reads each weight once, the quantised ones in their bits', async () => {
    const bytes = async (storage: 'f32' | 'f16' | 'int8' | 'int4', device = gpu) =>
      (await stepCost(text, defaultSizes(text), storage, device)).bytes.weights;
    // All but the embedding, of which the rows of the answer; the norms are f32.
    const linear = 32 * (4 * 4096 ** 2 + 3 * 4096 * 12_288);
    const matrices = linear + 126_464 * 4096 + 128 * 4096;
    const f16 = await bytes('f16');
    assert.equal(await bytes('f32'), 4 * matrices + 4 * 65 * 4096);
    assert.equal(f16, 2 * matrices + 4 * 65 * 4096);
    assert.equal(f16 - (await bytes('int4')), linear * (2 - 4.25 / 8));
    assert.equal(f16 - (await bytes('int8')), linear * (2 - 8.25 / 8));
    const wide = (storage: 'f32' | 'int4') => bytes(storage, { ...gpu, f16: false });
    assert.equal((await wide('f32')) - (await wide('int4')), linear * (4 - 4.5 / 8));
  });

  it('says where the weights fit', () => {
    for (const { storages } of [plans.text, plans.video]) {
      const fits = weightStorages.map((storage) => storages[storage].fits);
      assert.deepEqual(fits, [[], [24], [12, 16, 24], [8, 12, 16, 24]]);
    }
    const { total } = plans.video.storages.int4;
    near(total, 7.39e9, 0.5e7);
    assert.ok(fitsMemory(90, 100) && !fitsMemory(91, 100));
  });

  it('knows what stands in the way of an adapter', async () => {
    const obstacle = async (
      storage: 'f32' | 'f16' | 'int4',
      model: typeof text | typeof video,
      device = gpu,
    ) => planObstacle(await memoryPlan(model, defaultSizes(model), storage, device), storage, device);
    assert.equal(await obstacle('int4', video), undefined);
    assert.equal(await obstacle('int4', text, small), undefined, 'weights are bound in parts');
    assert.equal(await obstacle('int4', video, small), undefined, 'feed-forward networks take chunks');
    assert.match(planObstacle(long, 'int4', small)!, /must bind 169 MB, it binds 134 MB/);
    const narrow = { ...gpu, limits: { ...gpu.limits, maxBufferSize: 2 ** 30 } };
    assert.match((await obstacle('f32', text, narrow))!, /embed_tokens.weight takes 2071 MB/);
    assert.equal(await obstacle('int4', text, narrow), undefined);
    const wide = { ...gpu, f16: false };
    assert.match((await obstacle('f16', text, wide))!, /no f16/);
    assert.equal(await obstacle('int4', text, wide), undefined);
  });

  it('refuses sizes that the model does not have', async () => {
    await assert.rejects(modelPlan(text, gpu, { frames: 1 }), OptionError);
    await assert.rejects(modelPlan(text, gpu, { prompt: 4000 }), /4128 positions are over the model's 4096/);
  });

  it('is printed with a verdict for each way to store the weights', async () => {
    const plan = plans.video;
    const lines = modelPlanLines(plan).join('\n');
    assert.match(lines, /parameters +8\.435 B/);
    assert.match(lines, /32 frames, 128 tokens of prompt, 128 of answer, 6976 positions/);
    assert.match(lines, /TFLOP +123\.0/);
    assert.match(lines, /fits 8 GB, cache and all +no +no +no +no cache/);
    assert.match(lines, /fits 12 GB, cache and all +no +no +no cache +yes/);
    const obstacle = planObstacle(long, 'int4', small)!;
    const int4 = { ...plan.storages.int4, obstacle };
    const shown = { ...plan, storages: { ...plan.storages, int4 } };
    const adapter = adapterLines(shown, { ...small, description: 'some GPU' }, undefined);
    assert.match(adapter.join('\n'), /embed_tokens.weight, bound in 8 parts[\s\S]*int4 +a layer must bind/);
    const enough = (memory: number) => adapterLines(plan, { ...gpu, description: '' }, memory).at(-1)!;
    assert.match(enough(2 ** 35), /int4 +fits/);
    assert.match(enough(2 ** 32), /int4 +more than its memory/);
  });
});
