import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { recipeNameOn } from '../../src/cli/shared/recipes.js';
import type { VideoDataset } from '../../src/datasets/video-dataset.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { evaluatePredictions } from '../../src/models/common/evaluate-predictions.js';
import { cgDetrObjectives } from '../../src/models/grounding/cg-detr/objective.js';
import { groundingRecipes } from '../../src/models/grounding/recipes.js';
import { groundingSpec } from '../../src/models/grounding/spec.js';
import type { GroundingRecipe } from '../../src/models/grounding/training.js';
import { openModel } from '../../src/models/open-model.js';
import { train } from '../../src/training/train.js';
import { channels, data, model, names, splits, table, videoOf } from '../support/grounding-videos.js';
import { testRuntime } from '../support/runtime.js';

// CG-DETR from a data set to a model that is opened again, on videos whose features show what the queries ask for.
const runtime = await testRuntime();
const folder = mkdtempSync(join(tmpdir(), 'grounding-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const settings = { steps: 150, batch: 16, learningRate: 5e-3, weightDecay: 0.01, maxNorm: 1, seed: 1 };
const recipe: GroundingRecipe = {
  architecture: 'cg-detr',
  model,
  training: { ...settings, objective: cgDetrObjectives['cg-detr'] },
};

/** QD-DETR, which has less to do in a step; its labels count more than in what was published, so that few steps do. */
const quick: GroundingRecipe = {
  ...recipe,
  model: { ...model, network: { ...model.network, interaction: { kind: 'cross', layers: 1 } } },
  training: {
    ...{ ...settings, steps: 300 },
    objective: { ...cgDetrObjectives['qd-detr'], spans: { l1: 10, iou: 1, label: 8, background: 0.3 } },
  },
};

/** Trains a recipe on a data set and gives the folder of the model. */
async function trained(name: string, { training, ...rest }: GroundingRecipe, on = data): Promise<string> {
  const prepared = await groundingSpec.prepare(
    runtime,
    { training, ...rest },
    { data: on, words: { table } },
  );
  const into = join(folder, name);
  mkdirSync(into);
  try {
    await train(prepared.task, {
      ...{ steps: training.steps, seed: training.seed, folder: `${into}-run`, settings: 'test', maxNorm: 1 },
      learningRate: () => training.learningRate,
    });
    await prepared.save(into, { steps: training.steps });
  } finally {
    prepared.task[Symbol.dispose]();
    prepared.opened.dispose();
  }
  return into;
}

/** Mean rank of clips of moments among all, from 0 to 1. */
function separation(predicted: readonly number[], good: (t: number) => boolean): number {
  const [inside, outside] = [predicted.filter((_, t) => good(t)), predicted.filter((_, t) => !good(t))];
  const wins = inside.flatMap((a) => outside.map((b) => Number(a > b)));
  return wins.reduce((a, b) => a + b, 0) / wins.length;
}

describe('CG-DETR from data to a model', () => {
  it('finds moments and highlights of videos that it has not seen, also in windows', async () => {
    const into = await trained('words', quick);
    using opened = await openModel(into, { runtime });
    assert.equal(opened.architecture, 'cg-detr');
    const predictions = await opened.predict(data, 'validation', { options: { batch: 5 } });
    const { metrics } = evaluatePredictions(data, 'validation', predictions);
    assert.ok(metrics['R1@0.5']! > 60, `R1@0.5 is ${metrics['R1@0.5']}`);
    const separations = [];
    for (const { annotations } of splits.validation!) {
      for (const { id, windows } of annotations.queries!) {
        const { scores, stride, start } = predictions.saliency!.get(id)!;
        assert.deepEqual([stride, start], [1, 0]);
        separations.push(separation(scores, (t) => windows.some(([a, b]) => a <= t && t < b)));
      }
    }
    const mean = separations.reduce((a, b) => a + b) / separations.length;
    assert.ok(mean > 0.9, `clips of moments come first in ${mean}`);

    // Twice as long as the model sees.
    const long = videoOf('long', 32, { walking: [[20, 24]] });
    const found = await opened.localize(long, { query: 'walking' });
    const [start, end] = found.segments[0]!.segment;
    assert.ok(Math.abs(start - 20) < 2 && Math.abs(end - 24) < 2, `found ${[start, end]}`);
    assert.equal(found.saliency!.scores.length, 32);
    const best = found.saliency!.scores.indexOf(Math.max(...found.saliency!.scores));
    assert.ok(best >= 20 && best < 24, `the best clip is ${best}`);
    const part = await opened.localize(long, { query: 'walking', excerpt: [16, 28] });
    assert.equal(part.saliency!.start, 16);
    assert.ok(Math.abs(part.segments[0]!.segment[0] - 20) < 2);
    await assert.rejects(opened.localize(long, {}), OptionError);
    await assert.rejects(opened.localize(long, { query: 'swimming' }), /knows no word/);
    const wrong = {
      ...long,
      features: async () => ({ ...(await long.features!()), channels: 3, steps: 64 }),
    };
    await assert.rejects(opened.localize(wrong, { query: 'walking' }), ShapeError);
  });

  it('reads the features of queries where the data set brings them', async () => {
    const ofFeatures: GroundingRecipe = {
      ...recipe,
      model: { ...model, text: { ...model.text, kind: 'features' }, wholeClips: true },
      training: { ...recipe.training, steps: 20 },
    };
    using opened = await openModel(await trained('features', ofFeatures), { runtime });
    const { moments } = await opened.predict(data, 'validation');
    for (const found of moments!.values()) {
      for (const { segment } of found) assert.ok(segment.every((seconds) => Number.isInteger(seconds)));
    }
    const [video] = splits.validation!;
    await assert.rejects(opened.localize(video!, { query: 'walking' }), /features of the words/);
  });

  it('learns highlights alone, of videos that have labels and no queries', async () => {
    const labelled: VideoDataset = {
      ...data,
      classes: names,
      items: (split) =>
        splits[split]!.map((item) => {
          const [query] = item.annotations.queries!;
          return {
            ...item,
            annotations: { labels: [query!.text], clipScores: query!.saliency! },
          };
        }),
    };
    const highlights: GroundingRecipe = {
      ...recipe,
      training: { ...settings, steps: 80, objective: cgDetrObjectives.highlights },
    };
    using opened = await openModel(await trained('highlights', highlights, labelled), { runtime });
    const judged = await opened.judgedOn(labelled, 'validation');
    const { saliency } = await opened.predict(judged, 'validation');
    const separations = judged.items('validation').map(({ id, annotations }) => {
      const { clipScores } = annotations;
      return separation(saliency!.get(id)!.scores, (t) => clipScores!.scores[0]![t] === 4);
    });
    const mean = separations.reduce((a, b) => a + b) / separations.length;
    assert.ok(mean > 0.85, `highlights come first in ${mean}`);
  });

  it('refuses what does not fit', async () => {
    const prepared = (changed: GroundingRecipe, on = data) =>
      groundingSpec.prepare(runtime, changed, { data: on, words: { table } });
    const untold: VideoDataset = {
      ...data,
      items: (split) => splits[split]!.map((item) => ({ ...item, annotations: {} })),
    };
    await assert.rejects(prepared(recipe, untold), /has a moment to learn from/);
    const wide = { ...recipe, model: { ...model, text: { ...model.text, channels: 9 } } };
    await assert.rejects(prepared(wide), OptionError);
    const augmented = { ...recipe, training: { ...recipe.training, augment: { noise: 1 } } };
    await assert.rejects(prepared(augmented), /augment is for signals/);
    const strange = { ...recipe, training: { ...recipe.training, objective: { saliency: 1 } } };
    await assert.rejects(prepared(strange as never), OptionError);
    const clips = { kind: 'features', channels, parts: 4 } as const;
    await assert.rejects(prepared({ ...recipe, model: { ...model, clips } }), /parts must divide/);
  });

  it('has recipes that are well formed, by data set', async () => {
    for (const each of Object.values(groundingRecipes)) groundingSpec.checkRecipe(each);
    assert.ok(['cg-detr', 'qd-detr', 'moment-detr', 'masra'].every((name) => name in groundingRecipes));
    assert.equal(await recipeNameOn('masra', 'tvsum'), 'masra-tvsum');
    assert.equal(await recipeNameOn('cg-detr', 'youtube_highlights'), 'cg-detr-youtube-highlights');
    assert.equal(await recipeNameOn('masra', 'mine'), 'masra');
    assert.equal(await recipeNameOn('masra-tvsum', 'tvsum'), 'masra-tvsum');
  });
});
