import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { openPriors } from '../../src/datasets/priors/read-priors.js';
import type { VideoDataset } from '../../src/datasets/video-dataset.js';
import { OptionError } from '../../src/errors.js';
import { evaluatePredictions } from '../../src/models/common/evaluate-predictions.js';
import { cgDetrConfigs } from '../../src/models/grounding/cg-detr/config.js';
import { cgDetrObjectives } from '../../src/models/grounding/cg-detr/objective.js';
import { CodeRestarts } from '../../src/models/grounding/masra/code-restarts.js';
import { groundingSpec } from '../../src/models/grounding/spec.js';
import type { GroundingRecipe, GroundingTraining } from '../../src/models/grounding/training.js';
import { openModel } from '../../src/models/open-model.js';
import { train } from '../../src/training/train.js';
import { data, model, splits, table } from '../support/grounding-videos.js';
import { testRuntime } from '../support/runtime.js';

// MASRA from a data set with priors to a model that is opened again.
const runtime = await testRuntime();
const folder = mkdtempSync(join(tmpdir(), 'masra-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const { interaction, masra } = cgDetrConfigs.masra;
const settings = { batch: 8, learningRate: 5e-3, weightDecay: 0.01, maxNorm: 1, seed: 1 };
const recipe: GroundingRecipe = {
  architecture: 'cg-detr',
  model: {
    ...model,
    network: {
      ...model.network,
      interaction: { ...interaction, dummies: 3, prompts: 4, codes: 24, layers: 1 },
      masra: { ...masra, semanticAlignment: { channels: 5 }, secondOrder: { channels: 2 } },
    },
  },
  training: { ...settings, steps: 12, objective: cgDetrObjectives.masra, restart: { every: 4, below: 0.98 } },
};
const changed = (training: Partial<GroundingTraining>): GroundingRecipe => ({
  ...recipe,
  training: { ...recipe.training, ...training },
});

/** Priors of the planted videos, with embeddings of five numbers. */
const priorsFile = join(folder, 'priors.json');
const told = splits.train!.map(({ id, duration, annotations }) => {
  const events = annotations.queries!.flatMap(({ text, windows }) =>
    windows.map(([start, end]) => ({ text, start, end })),
  );
  return { id, events, captions: [{ text: 'a video', start: 0, end: duration / 2 }] };
});
const embedded = (texts: readonly { readonly text: string }[]) => ({
  ...{ dtype: 'f32' as const, shape: [texts.length, 5] },
  data: Float32Array.from(
    texts.flatMap(({ text }) => [...`${text}     `].slice(0, 5).map((c) => c.charCodeAt(0) / 100)),
  ),
});
writeFileSync(priorsFile, JSON.stringify(Object.fromEntries(told.map(({ id, ...priors }) => [id, priors]))));
writeFileSync(
  priorsFile.replace('.json', '.safetensors'),
  encodeSafetensors(
    Object.fromEntries(
      told.flatMap(({ id, events, captions }) => [
        [`${id}/events`, embedded(events)],
        [`${id}/captions`, embedded(captions)],
      ]),
    ),
  ),
);
const withPriors: VideoDataset = { ...data, priors: () => openPriors(priorsFile) };

const prepared = (of: GroundingRecipe, on = withPriors) =>
  groundingSpec.prepare(runtime, of, { data: on, words: { table } });

interface Run {
  /** Where the run stops for the first time. */
  readonly stopAfter?: number;
}

/** Trains a recipe, and gives the folder of the model. */
async function trained(name: string, of: GroundingRecipe, { stopAfter }: Run = {}): Promise<string> {
  const into = join(folder, name);
  mkdirSync(into);
  let done = false;
  for (let start = 0; !done; start++) {
    const { task, opened, save } = await prepared(of);
    const stop = new AbortController();
    const { steps, seed, learningRate } = of.training;
    try {
      done = await train(task, {
        ...{ steps, seed, folder: `${into}-run`, settings: 'test', maxNorm: 1 },
        learningRate: () => learningRate,
        signal: stop.signal,
        onStep: ({ step }) => step === stopAfter && stop.abort(),
      });
      assert.ok(done || start === 0, 'it does not go on');
      if (done) await save(into, { steps });
    } finally {
      task[Symbol.dispose]();
      opened.dispose();
    }
  }
  return into;
}

const weightsOf = (into: string) => readFileSync(join(into, 'model.safetensors'));

describe('MASRA from data to a model', () => {
  it('goes on bit for bit where it was stopped, with codes that are restarted, and is evaluated', async () => {
    const whole = await trained('whole', recipe);
    // Between two restarts, with codes that were moved before.
    const stopped = await trained('stopped', recipe, { stopAfter: 6 });
    assert.ok(weightsOf(stopped).equals(weightsOf(whole)), 'other weights');
    const { restart: _, ...plain } = recipe.training;
    const still = await trained('still', { ...recipe, training: plain });
    assert.ok(!weightsOf(still).equals(weightsOf(whole)), 'no code was moved');

    const log = readFileSync(join(`${whole}-run`, 'log.jsonl'), 'utf8');
    for (const part of ['codebook', 'semanticAlignment', 'relationAlignment', 'alignment', 'l1'])
      assert.ok(log.includes(`"${part}"`), `${part} is not in the log`);
    using opened = await openModel(whole, { runtime });
    // Nothing tells of these videos.
    const predictions = await opened.predict(data, 'validation');
    const { metrics } = evaluatePredictions(data, 'validation', predictions);
    assert.ok(Number.isFinite(metrics.mIoU!), JSON.stringify(metrics));
  });

  it('learns from what stands in for priors, and from none where its losses are off', async () => {
    const network = { ...recipe.model.network, masra: { ...masra, semanticAlignment: { channels: 8 } } };
    const ofWords = { ...recipe, model: { ...recipe.model, network } };
    for (const priors of ['true', 'shifted']) {
      const { task, opened } = await prepared({ ...ofWords, training: { ...recipe.training, priors } }, data);
      task[Symbol.dispose]();
      opened.dispose();
    }
    const objective = { ...recipe.training.objective, semanticAlignment: 0, relationAlignment: 0 };
    const { task, opened } = await prepared(changed({ objective }), data);
    task[Symbol.dispose]();
    opened.dispose();
  });

  it('refuses what does not fit', async () => {
    await assert.rejects(prepared(recipe, data), /planted has no priors.json: set training.priors/);
    await assert.rejects(
      prepared(changed({ priors: 'true' })),
      /embeddings of the stand-in true have 8 numbers: set model.network.masra.semanticAlignment.channels/,
    );
    // The videos have no segments.
    await assert.rejects(prepared(changed({ priors: 'classes' })), OptionError);
    const objective = { ...recipe.training.objective, semanticAlignment: 0, relationAlignment: 0 };
    const check = (of: GroundingRecipe) => () => groundingSpec.checkRecipe(of);
    assert.throws(check(changed({ priors: 'true', objective })), /training.priors goes with/);
    assert.throws(check(changed({ priors: 'guessed' })), OptionError);
    assert.throws(check(changed({ restart: { every: 0, below: 0.1 } })), OptionError);
    const learned = { ...recipe.model.network, interaction: model.network.interaction };
    assert.throws(
      check({ ...recipe, model: { ...recipe.model, network: learned } }),
      /training.restart is for a codebook/,
    );
  });
});

describe('codes that are not used', () => {
  it('move to the contexts of the last batch, those used least, one to each', async () => {
    const sizes = { batch: 2, count: 6, retrieved: 2, width: 2 };
    using restarts = new CodeRestarts(runtime, sizes, { every: 10, below: 0.5 });
    const codes = runtime.tensor([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [6, 2]);
    const context = runtime.tensor([7, 8, 9, 10], [2, 2]);
    const read = async () => [...((await codes.read()) as Float32Array)];
    const before = await read();
    const count = (ids: number[]) => restarts.count({ context, ids: runtime.tensor(ids, [2, 2], 'u32') });
    // Code 3 is used less than code 5, and both less than half as often as codes are on the average.
    for (let i = 0; i < 200; i++) count(i < 150 || i % 25 > 0 ? [0, 1, 2, 4] : [0, 1, 5, 4]);
    restarts.before(5, codes);
    restarts.before(0, codes);
    assert.deepEqual(await read(), before);
    restarts.before(20, codes);
    assert.deepEqual(await read(), [0, 0, 1, 1, 2, 2, 7, 8, 4, 4, 9, 10]);
    const use = [...((await restarts.memory.codeUse.read()) as Float32Array)];
    const [first, fourth, last] = [use[0]!, use[3]!, use[5]!];
    assert.ok(Math.abs(fourth - last) < 1e-6 && fourth > 0.4 && fourth < first, `${use}`);
    // Now all are used.
    restarts.before(30, codes);
    assert.deepEqual((await read()).slice(6, 8), [7, 8]);
  });
});
