import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { recipeFor } from '../../src/cli/commands/train.js';
import { readRows } from '../../src/cli/shared/compared-rows.js';
import { applySettings } from '../../src/cli/shared/recipes.js';
import { writeNpy } from '../../src/data/formats/npy.js';
import { HostRandom } from '../../src/data/host-random.js';
import { evaluateDetection } from '../../src/evaluation/detection.js';
import { groundingRecipes } from '../../src/models/grounding/recipes.js';
import type { WtalRecipe } from '../../src/models/wtal/training.js';
import { checkWtalConfig } from '../../src/models/wtal/wtal-config.js';
import type { Detection, LabelledSegment } from '../../src/time/segment.js';
import { madeFolders } from '../support/dataset-folder.js';
import { assertRefused } from '../support/refused.js';
import { tal } from '../support/tal.js';
import { smallRecipes, videoFiles } from '../support/wtal-videos.js';

const makeFolder = madeFolders('tal-compare');
const steps = (count: number) => [`training.steps=${count}`];
const diffused = { recipe: 'diffusion.json', set: steps(3) };
const { delu } = smallRecipes;
let folder = '';

before(async () => {
  folder = makeFolder({
    'delu.json': { ...delu, training: { ...delu.training, learningRate: 3e-3 } },
    'diffusion.json': smallRecipes['actiondiff-latent'],
    'rows.json': [
      { name: 'DELU', recipe: 'delu.json' },
      { name: 'one step', ...diffused, options: ['sampling.steps=1'] },
      { name: 'five steps', ...diffused, options: ['sampling.steps=5'] },
    ],
    'delu-rows.json': [{ name: 'DELU', recipe: 'delu.json', set: steps(2) }],
    ...Object.fromEntries(
      Object.entries(await videoFiles()).map(([name, content]) => [`data/${name}`, content]),
    ),
  });
});

const compare = (...args: readonly string[]) => tal(['compare', ...args, '--data', 'data'], folder);

/** The first cells of a table's rows, and the means of the others. */
function tableIn(text: string): Readonly<Record<string, readonly number[]>> {
  const [, , ...rows] = text.trim().split('\n');
  return Object.fromEntries(
    rows.map((row) => {
      const [name, ...cells] = row.slice(2, -2).split(' | ');
      return [name!, cells.map(Number.parseFloat)];
    }),
  );
}

interface Found {
  readonly [video: string]: { readonly truths: LabelledSegment[]; readonly detections: Detection[] };
}

function averageOf(file: string): number {
  const found = Object.entries(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Found);
  const { metrics } = evaluateDetection(
    new Map(found.map(([id, { detections }]) => [id, detections])),
    new Map(found.map(([id, { truths }]) => [id, truths])),
    [0.3, 0.5, 0.7],
  );
  return 100 * metrics['average-mAP']!;
}

// This file runs as dist/test/cli/compare.test.js.
const tables = fileURLToPath(new URL('../../../scripts/tables/', import.meta.url));

describe('the tables of this repository', () => {
  for (const file of readdirSync(tables)) {
    it(`${file} names recipes and options that there are`, async () => {
      for (const { name, recipe, set, options } of await readRows(join(tables, file))) {
        const found = (await recipeFor(recipe, { set })).recipe;
        if (found.architecture !== 'wtal') {
          assert.deepEqual(options, [], name);
          continue;
        }
        const { model } = found as WtalRecipe;
        const changed = applySettings({ sampling: model.diffusion?.sampling }, options);
        checkWtalConfig({
          ...model,
          ...(model.diffusion && { diffusion: { ...model.diffusion, sampling: changed.sampling! } }),
        });
        assert.ok(options.length === 0 || model.diffusion, name);
      }
    });
  }
});

describe('tal compare', () => {
  const rows = ['rows.json', '--out', 'out', '--seeds', '1', '2', '--thresholds', '0.3:0.2:0.7'];
  const table = () => readFileSync(join(folder, 'out/table.md'), 'utf8');

  it('trains each row with each seed, and prints means and baselines', async () => {
    const result = await compare(...rows);
    assert.equal(result.status, 0, result.stderr);
    assert.ok(result.stdout.includes(table()), result.stdout);
    assert.match(
      table(),
      /^\| \| mAP@0\.30 \| mAP@0\.50 \| mAP@0\.70 \| average-mAP \| missed \| incomplete \| over-complete \|/,
    );
    const found = tableIn(table());
    assert.deepEqual(Object.keys(found), [
      ...['DELU', 'one step', 'five steps'],
      ...['whole video, classes of DELU', 'whole video, true classes'],
      'whole, halves, thirds and quarters, classes of DELU',
      'whole, halves, thirds and quarters, true classes',
    ]);
    const averages = [1, 2].map((seed) => averageOf(`out/delu/seed-${seed}/found-validation.json`));
    assert.equal(found.DELU![3], Number(((averages[0]! + averages[1]!) / 2).toFixed(1)));
    // The true segments are 15 of 40 s: a whole video overlaps them by .375.
    assert.deepEqual(found['whole video, true classes'], [100, 0, 0, 33.3, 0, 0, 100]);
    // The one that is trained for longer finds more.
    assert.ok(found.DELU![0]! > found['one step']![0]!, table());
    // Two rows have one training.
    const folders = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('diffusion'));
    assert.equal(folders.length, 1);
    const files = readdirSync(join(folder, 'out', folders[0]!, 'seed-1'));
    assert.equal(files.filter((name) => name.startsWith('found-validation-')).length, 2);
  });

  it('goes on where it stopped', async () => {
    const before = table();
    const model = join(folder, 'out/delu/seed-1/model.safetensors');
    const { mtimeMs } = statSync(model);
    rmSync(join(folder, 'out/table.md'));
    rmSync(join(folder, 'out/delu/seed-2'), { recursive: true });
    const again = await compare(...rows);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(table(), before);
    assert.equal(statSync(model).mtimeMs, mtimeMs);
  });

  it('trains on folds, and judges each video by the model that did not see it', async () => {
    const folds = ['--folds', '2', '--group', '[0-9]+', '--seeds', '1'];
    const result = await compare('delu-rows.json', '--out', 'folds', ...folds);
    assert.equal(result.status, 0, result.stderr);
    const [name] = readdirSync(join(folder, 'folds'));
    const ids = [1, 2].map((fold) => {
      const file = join(folder, 'folds', name!, `seed-1-fold-${fold}`, 'found-test.json');
      return Object.keys(JSON.parse(readFileSync(file, 'utf8')));
    });
    assert.equal(new Set(ids.flat()).size, 36);
    // t3 and v3 are in one fold.
    for (const own of ids) assert.ok(own.every((id) => own.includes(id.replace('v', 't'))));
    assert.ok(Object.keys(tableIn(readFileSync(join(folder, 'folds/table.md'), 'utf8'))).includes('DELU'));
  });

  it('compares how well highlights are found, by domain, beside what never looks at the video', async () => {
    const { model, training } = groundingRecipes['cg-detr-youtube-highlights']!;
    const small = {
      ...{ ...model, clips: { kind: 'features', channels: 4 }, longest: 8 },
      network: {
        ...{ ...model.network, width: 8, heads: 2, intermediate: 8, encoderLayers: 1 },
        decoder: { kind: 'spans', layers: 1, queries: 2 },
      },
    };
    const clips = [0, 2, 4, 6].map((start) => [start, start + 2]);
    const videos = ['walking', 'standing'].flatMap((label) =>
      [0, 1, 2, 3].map((i) => ({
        ...{ id: `${label}${i}`, split: 'train', duration: 8, labels: [label] },
        clipScores: { benchmark: 'youtube-highlights', clips, scores: [[1, -1, 0, i % 2]] },
      })),
    );
    const random = new HostRandom(3);
    const folder = makeFolder({
      'detr.json': { architecture: 'cg-detr', model: small, training: { ...training, steps: 2, batch: 2 } },
      'rows.json': [
        { name: 'CG-DETR', recipe: 'detr.json' },
        { name: 'hinge alone', recipe: 'detr.json', set: ['training.objective={"saliency":1,"margin":0.2}'] },
      ],
      'data/annotations.json': { videos },
      'data/dataset.json': {
        annotations: { layout: 'tal', files: 'annotations.json' },
        features: { parts: [{ file: '{id}.npy' }], timing: { strideSeconds: 2 } },
      },
      ...Object.fromEntries(
        videos.map(({ id }) => [
          `data/${id}.npy`,
          writeNpy(
            Float32Array.from({ length: 16 }, () => random.normal()),
            [4, 4],
          ),
        ]),
      ),
    });
    const options = ['--data', 'data', '--out', 'out', '--seeds', '1', '2', '--folds', '2'];
    const { status, stdout, stderr } = await tal(['compare', 'rows.json', ...options], folder);
    assert.equal(status, 0, stderr);
    const table = readFileSync(join(folder, 'out/table.md'), 'utf8');
    assert.ok(stdout.includes(table));
    assert.match(table, /^\| \| HL-mAP \| standing \| walking \|/);
    const found = tableIn(table);
    assert.deepEqual(Object.keys(found), [
      'CG-DETR',
      'hinge alone',
      'random',
      'best of 300 random',
      'centre',
    ]);
    const [all, standing, walking] = found['CG-DETR']!;
    assert.ok(Math.abs(all! - (standing! + walking!) / 2) < 0.11, table);
    // Middle clips are never highlights, so they come first here: nothing is worse.
    assert.ok(found.centre![0]! < found.random![0]! && found.random![0]! < found['best of 300 random']![0]!);
  });

  it('refuses what does not go together before it trains', async () => {
    const refused = async (message: RegExp, ...args: readonly string[]) => {
      assertRefused(await compare(...args, '--out', 'no'), message);
      assert.ok(!existsSync(join(folder, 'no/delu')));
    };
    await refused(/--of and --group go with --folds/, 'rows.json', '--of', 'train');
    await refused(/--split goes without --folds/, 'rows.json', '--folds', '2', '--split', 'train');
    await refused(/no split "tests"/, 'rows.json', '--split', 'tests');
    await refused(/--seeds.*integer/s, 'rows.json', '--seeds', 'one');
    await refused(/regular expression/, 'rows.json', '--folds', '2', '--group', '(');
    const bad = (...list: readonly object[]) => {
      const path = join(makeFolder({ 'bad.json': list }), 'bad.json');
      return path;
    };
    await refused(/no recipe "delo", did you mean delu\?/, bad({ name: 'a', recipe: 'delo' }));
    await refused(/bad\.json\[0\].*seed/, bad({ name: 'a', recipe: 'delu', seed: 1 }));
    await refused(
      /two rows have the name a/,
      bad({ name: 'a', recipe: 'delu' }, { name: 'a', recipe: 'delu' }),
    );
    await refused(/training\.batch/, bad({ name: 'a', recipe: 'delu', set: ['training.batch=0'] }));
  });
});
