import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ownWords } from '../../src/cli/commands/train.js';
import { applySettings } from '../../src/cli/shared/recipes.js';
import { writeNpy } from '../../src/data/formats/npy.js';
import { openSafetensors } from '../../src/data/formats/safetensors.js';
import { loadWordVectors } from '../../src/data/text/words.js';
import { FileFormatError, OptionError } from '../../src/errors.js';
import type { LocalizationModel } from '../../src/models/localization-model.js';
import type { PreparedTraining } from '../../src/models/model-spec.js';
import { openModel } from '../../src/models/open-model.js';
import type { OpenedWtal } from '../../src/models/wtal/opened.js';
import { wtalSpec } from '../../src/models/wtal/spec.js';
import type { WtalTask } from '../../src/models/wtal/task.js';
import { checkWtalRecipe, type WtalRecipe } from '../../src/models/wtal/training.js';
import { WtalNetwork } from '../../src/models/wtal/wtal-network.js';
import { testRuntime } from '../support/runtime.js';
import { tal } from '../support/tal.js';
import { fitWtal, madeVideos, smallRecipes, videoClasses } from '../support/wtal-videos.js';

// MLLM4WTAL and ActionDiff as they are trained, saved and opened.
const runtime = await testRuntime();
const words = { table: await loadWordVectors(ownWords) };
const videos = madeVideos();
const root = mkdtempSync(join(tmpdir(), 'tal-wtal-systems-'));
after(() => rmSync(root, { recursive: true }));

/** What a call launches: operations, kernels, shapes and how often, in a fixed order. */
async function launchesOf(body: () => unknown): Promise<readonly string[]> {
  const { rows } = await runtime.profile(body);
  return rows
    .map(({ operation, variant, kernel, shape, workgroups, calls }) =>
      JSON.stringify({ operation, variant, kernel, shape, workgroups, calls }),
    )
    .sort();
}

async function tensorNames(folder: string): Promise<string[]> {
  const file = await openSafetensors(folder);
  const names = [...file.tensors.keys()].sort();
  await file.close();
  return names;
}

const predict = (model: LocalizationModel, options = {}) => model.predict(videos, 'validation', { options });

function release({ task, opened }: PreparedTraining): void {
  task[Symbol.dispose]();
  opened.dispose();
}

describe('MLLM4WTAL', () => {
  it('leaves the base behind: weights, operations and results of inference are the base’s', async (test) => {
    const folder = join(root, 'guided');
    const guided = await fitWtal(runtime, smallRecipes.mllm4wtal, words, { folder });
    const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8');
    for (const part of ['reconstruct', 'mask', 'base.guidance.pull', 'base.guidance.distilled'])
      assert.ok(lines.includes(`"${part}`), `${part} is not in the log:\n${lines.split('\n')[0]}`);

    const { guidance: _, priors: __, ...training } = smallRecipes.mllm4wtal.training;
    const base: WtalRecipe = { ...smallRecipes.mllm4wtal, training };
    const network = new WtalNetwork(runtime, base.model, videoClasses.length + 1).initialize(1);
    assert.deepEqual(await tensorNames(folder), Object.keys(network.weights()).sort());
    network.dispose();

    // The base by itself, with the same weights; the trained one with its guidance still around; the saved one.
    const plain = await wtalSpec.prepare(runtime, base, { data: videos, words, from: folder });
    await plain.begin!();
    const saved = await openModel(folder, { runtime });
    const wanted = await predict(plain.opened);
    assert.ok([...wanted.detections!.values()].every(({ length }) => length > 0));
    const launches = await launchesOf(() => predict(plain.opened));
    for (const model of [guided.opened, saved]) {
      assert.deepEqual(await predict(model), wanted);
      assert.deepEqual(await launchesOf(() => predict(model)), launches);
    }
    // What is told apart: training launches other operations.
    assert.notDeepEqual(await launchesOf(() => guided.task.loss('base')), launches);
    test.diagnostic(`${launches.length} kinds of launches`);
    saved.dispose();
    release(plain);
    release(guided);
  });
});

for (const mode of ['family', 'latent'] as const) {
  describe(`ActionDiff, mode ${mode}`, () => {
    const folder = join(root, mode);

    it('trains, saves and opens; sampling is set, drawn by its seed, and wrong ones are refused', async () => {
      const fitted = await fitWtal(runtime, smallRecipes[`actiondiff-${mode}`], words, { folder });
      assert.ok((await tensorNames(folder)).some((name) => name.startsWith('diffusion.decoder.')));
      const model = await openModel(folder, { runtime });
      const found = await predict(model);
      assert.deepEqual(found, await predict(fitted.opened));
      assert.deepEqual(await predict(model), found);

      const set = (...settings: string[]) => applySettings({}, settings);
      const five = await predict(model, set('sampling.steps=5'));
      assert.deepEqual(await predict(model, set('sampling.steps=5')), five);
      assert.notDeepEqual(five, found);
      const { seed } = smallRecipes[`actiondiff-${mode}`].model.diffusion!.sampling;
      assert.deepEqual(await predict(model, set(`sampling.seed=${seed}`)), found);
      assert.notDeepEqual(await predict(model, set('sampling.seed=77')), found);

      const [video] = videos.items('validation');
      const { attention, refined, activation } = await (model as OpenedWtal).curves(video!);
      const [label] = videoClasses;
      assert.deepEqual([attention.length, refined!.attention.length], [40, 40]);
      assert.notDeepEqual(refined!.activation(label!), activation(label!));
      // The base gives the attention of the family's mode.
      if (mode === 'family') assert.deepEqual(refined!.attention, attention);
      else assert.notDeepEqual(refined!.attention, attention);
      const fewer = await (model as OpenedWtal).curves(video!, { options: { sampling: { steps: 1 } } });
      assert.deepEqual(fewer.attention, attention);
      assert.notDeepEqual(fewer.refined!.activation(label!), refined!.activation(label!));

      // The same by a command, with a picture.
      const rows = await video!.features!();
      writeFileSync(join(root, 'rows.npy'), writeNpy(rows.data, [rows.steps, rows.channels]));
      const plot = ['--plot', 'plot.svg', '--json', 'found.json', '--set', 'sampling.steps=5'];
      const asked = ['localize', 'rows.npy', '--duration', '40', '--model', folder, ...plot];
      const { status, stderr } = await tal(asked, root);
      assert.equal(status, 0, stderr);
      const svg = readFileSync(join(root, 'plot.svg'), 'utf8');
      for (const heading of ['Class activation', 'Attention'])
        for (const title of [heading, `${heading} after diffusion`])
          assert.ok(svg.includes(`>${title}<`), title);
      const written = JSON.parse(readFileSync(join(root, 'found.json'), 'utf8'));
      assert.deepEqual(written.results.rows, five.detections!.get(video!.id));

      for (const [setting, message] of [
        ['sampling.steps=0', /steps must be an integer from 1 to 1000/],
        ['sampling.steps=2.5', /steps/],
        ['sampling.eta=2', /eta/],
        ['sampling.seed=-1', /seed/],
        ['sampling.step=5', /step/],
        ['steps=5', /steps/],
      ] as const) {
        await assert.rejects(
          model.localize(video!, { options: set(setting) }),
          (error: Error) => error instanceof OptionError && message.test(error.message),
          setting,
        );
      }
      model.dispose();
      release(fitted);
    });
  });
}

describe('recipes of both', () => {
  const { mllm4wtal } = smallRecipes;
  const refused = (training: object, message: RegExp) =>
    assert.throws(
      () => checkWtalRecipe({ ...mllm4wtal, training: { ...mllm4wtal.training, ...training } } as WtalRecipe),
      (error: Error) => error instanceof OptionError && message.test(error.message),
      String(message),
    );
  const prepare = (training: object, data = videos) =>
    wtalSpec.prepare(
      runtime,
      { ...mllm4wtal, training: { ...mllm4wtal.training, ...training } } as WtalRecipe,
      { data, words },
    );

  it('refuse guidance without priors, what goes with it alone, and unknown kinds of priors', () => {
    refused(
      { priors: undefined },
      /training\.guidance needs training\.priors: ordered, classes, or .*\.json/,
    );
    refused({ guidance: undefined }, /training\.priors and training\.scramble go with training\.guidance/);
    refused(
      { guidance: undefined, priors: undefined, scramble: 1 },
      /training\.scramble go with training\.guidance/,
    );
    refused({ scramble: 'yes' }, /training\.scramble/);
    refused({ priors: 'order' }, /training\.priors/);
    refused({ guidance: { ksm: { wide: 3 } } }, /guidance/);
  });

  it('ask for a file of priors where a class has no phrases', async () => {
    const unknown = madeVideos(['dog', 'cartwheel', 'surfing']);
    await assert.rejects(
      prepare({}, unknown),
      (error: Error) =>
        error instanceof OptionError &&
        /cartwheel.*give a \.json file by training\.priors/.test(error.message),
    );
    await assert.rejects(
      prepare({ priors: join(root, 'absent.json') }),
      (error: Error) => error.name === 'FileAccessError' || error instanceof FileFormatError,
    );
  });

  it('train on exchanged priors as a control', async () => {
    const tasks = await Promise.all([prepare({}), prepare({ scramble: 1 }), prepare({ scramble: 1 })]);
    const keys = [];
    for (const { task } of tasks) {
      const { sampler, guided } = task as WtalTask;
      const examples = sampler(0, 1);
      const loaded = await (task as WtalTask).load(0, examples);
      (task as WtalTask).prepare({ index: 0, examples, loaded });
      keys.push(await guided!.operands.keys.read());
    }
    assert.notDeepEqual(keys[0], keys[1]);
    assert.deepEqual(keys[1], keys[2]);
    for (const task of tasks) release(task);
  });
});
