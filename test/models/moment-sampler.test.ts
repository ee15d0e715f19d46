import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { ddimCoefficients, ddimTimes } from '../../src/diffusion/schedule.js';
import { OptionError } from '../../src/errors.js';
import type { MomentInputs } from '../../src/models/map-diffusion/operands.js';
import { MomentSampler } from '../../src/models/map-diffusion/sampler.js';
import { take } from '../../src/ops/array/gather.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { MomentGolden, type MomentGoldenName, momentGoldenNames } from '../support/moment-golden.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const diffusionNames = momentGoldenNames.filter((name) => !name.startsWith('single-pass'));
const steps = 10;

/** Writes what `from` holds to `to`, the rows of queries and of their videos in the order `order`. */
async function copyInputs(from: MomentInputs, to: MomentInputs, order: readonly number[]): Promise<void> {
  const rows = async (source: Tensor, target: Tensor) =>
    target.write(await take({ x: source, ids: ids(order) }, { axis: 0 }).read());
  await rows(from.video, to.video);
  await rows(from.lengths, to.lengths);
  for (const name of ['vectors', 'mask', 'counts'] as const) await rows(from.words[name], to.words[name]);
}

function ids(values: readonly number[]): Tensor {
  return runtime.tensor(values, [values.length], 'u32');
}

function rowsOf(x: Tensor, order: readonly number[]): Tensor {
  return take({ x, ids: ids(order) }, { axis: 0 });
}

async function assertClose(actual: Tensor, expected: Tensor, bound = 1e-5): Promise<void> {
  const error = relativeError(await actual.read(), await expected.read());
  assert.ok(error < bound, `off by ${error}`);
}

describe('the part of a step that does not change', () => {
  for (const name of diffusionNames) {
    it(`gives the same when it is computed once: ${name}`, async () => {
      const { model, inputs, corruption } = await MomentGolden.open(runtime, name);
      const condition = model.encode(inputs);
      const prepared = model.prepare(condition);
      const has = prepared.scales.map((scale) => scale.prepared !== undefined);
      // A stylization of features and state together leaves nothing that stays the same.
      const { architecture, condition: how, stylization } = model.config.decoder;
      const fuses = stylization.input === 'fused' && how === 'concatenation';
      assert.deepEqual(has, Array(has.length).fill(architecture === 'transformer' || !fuses));
      const { noise, t } = corruption;
      await assertClose(model.denoise(noise, t, prepared), model.denoise(noise, t, condition), 1e-6);
    });
  }
});

describe('queries about one video', () => {
  const several = [0, 1, 0];
  for (const name of ['paper', 'signal', 'frames'] as const) {
    it(`are answered together as one by one: ${name}`, async () => {
      const { model, inputs, corruption } = await MomentGolden.open(runtime, name);
      const { words } = inputs;
      const denoise = (which: readonly number[], videos: readonly number[], videoOf?: Tensor) => {
        const condition = model.encode({
          video: rowsOf(inputs.video, videos),
          lengths: rowsOf(inputs.lengths, videos),
          words: {
            vectors: rowsOf(words.vectors, which),
            mask: rowsOf(words.mask, which),
            counts: rowsOf(words.counts, which),
          },
          videoOf,
        });
        return model.denoise(rowsOf(corruption.noise, which), rowsOf(corruption.t, which), condition);
      };
      const together = denoise([0, 1, 2], [0, 1], ids(several));
      for (const [query, video] of several.entries()) {
        await assertClose(rowsOf(together, [query]), denoise([query], [video]));
      }
    });
  }
});

describe('MomentSampler', () => {
  it('takes the steps of the loop written out', async () => {
    const { model, inputs, corruption } = await MomentGolden.open(runtime, 'multiplication');
    const { diffusion } = model;
    const times = ddimTimes(diffusion.times, steps);
    const coefficients = ddimCoefficients(diffusion.alphaBars, times, 0);
    const condition = model.encode(inputs);
    const states: Float64Array[] = [];
    let x = Float64Array.from(await corruption.noise.read());
    for (const [step, time] of times.entries()) {
      const state = runtime.tensor(x, corruption.noise.shape);
      const estimate = await model.denoise(state, ids([time, time, time]), condition).read();
      const [a, b] = coefficients.subarray(3 * step);
      x = x.map((value, i) => a! * Math.min(Math.max(estimate[i]!, 0), 1) + b! * value);
      states.push(x);
    }

    using sampler = await MomentSampler.create(model, { videos: 3, words: 5, steps });
    assert.deepEqual(sampler.mapShape, corruption.noise.shape);
    await copyInputs(inputs, sampler.inputs, [0, 1, 2]);
    const copies: Tensor[] = [];
    const afterStep = (step: number, state: Tensor) => {
      assert.equal(step, copies.length);
      copies.push(rowsOf(state, [0, 1, 2]));
    };
    sampler.run(corruption.noise, { afterStep });
    assert.equal(copies.length, steps);
    for (const [step, copy] of copies.entries()) {
      const error = relativeError(await copy.read(), states[step]!);
      assert.ok(error < 1e-5, `step ${step} is off by ${error}`);
    }
  });

  const sampled: MomentGoldenName[] = ['paper', 'transformer-cross-attention', 'single-pass-pooled'];
  for (const name of sampled) {
    it(`answers each batch that is written to it: ${name}`, async () => {
      const golden = await MomentGolden.open(runtime, name);
      using sampler = await MomentSampler.create(golden.model, { videos: 3, words: 5, steps });
      const { shape } = golden.corruption.noise;
      const expected = runtime.tensor(await golden.numbers('expected/map'), shape);
      for (const order of [
        [0, 1, 2],
        [2, 0, 1],
      ]) {
        await copyInputs(golden.inputs, sampler.inputs, order);
        const map = sampler.run(rowsOf(golden.corruption.noise, order));
        await assertClose(map, rowsOf(expected, order));
      }
    });
  }

  it('takes several queries about a video', async () => {
    const golden = await MomentGolden.open(runtime, 'signal');
    const { model, inputs, corruption } = golden;
    // The last query twice: each video has as many.
    const order = [0, 1, 2, 2];
    using sampler = await MomentSampler.create(model, { videos: 2, queries: 2, words: 5, steps });
    const to = sampler.inputs;
    to.video.write(await inputs.video.read());
    to.lengths.write(await inputs.lengths.read());
    to.videoOf!.write(await rowsOf(inputs.videoOf!, order).read());
    for (const name of ['vectors', 'mask', 'counts'] as const) {
      to.words[name].write(await rowsOf(inputs.words[name], order).read());
    }
    const expected = runtime.tensor(await golden.numbers('expected/map'), corruption.noise.shape);
    await assertClose(sampler.run(rowsOf(corruption.noise, order)), rowsOf(expected, order));
  });

  it('leaves no memory behind', async () => {
    const { model, corruption } = await MomentGolden.open(runtime, 'paper');
    const { usedBytes } = runtime.memory;
    for (let i = 0; i < 2; i++) {
      const sampler = await MomentSampler.create(model, { videos: 3, words: 5, steps });
      sampler.run(corruption.noise);
      await runtime.finish();
      sampler.dispose();
    }
    const refused = MomentSampler.create(model, { videos: 3, words: 5, eta: 0.5 });
    await assert.rejects(refused, (error) => error instanceof OptionError && /random/.test(error.message));
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });
});
