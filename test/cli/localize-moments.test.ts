import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeWorldVideo } from '../../src/cli/commands/sample.js';
import type { FrameShape } from '../../src/data/video/frame.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { assertRefused } from '../support/refused.js';
import { tal } from '../support/tal.js';
import { noVideoLibrary } from '../support/video-library.js';
import { writeWorldFolder } from '../support/world-folder.js';

const checkpoints = fileURLToPath(new URL('../../../checkpoints/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tal-moments-cli-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
const run = (...args: string[]) => tal(args, folder);

const model = inFolder('model');
const worldModel = join(checkpoints, 'world-map-diffusion');
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const configOf = () => read(join(model, 'config.json'));
const calibrateAs = (calibration: unknown) =>
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...configOf(), calibration }));

before(() => {
  cpSync(join(checkpoints, 'words'), inFolder('words'), { recursive: true });
  cpSync(join(checkpoints, 'world-map-diffusion'), model, { recursive: true });
});

describe('tal calibrate and tal localize', { skip: noVideoLibrary }, () => {
  before(async () => {
    await writeWorldFolder(inFolder('data'), [2, 3]);
  });

  it('measure what false sentences score, and keep it in the folder', async () => {
    const given = configOf();
    assert.equal(given.calibration.falseQueries, 600);
    calibrateAs(undefined);
    const result = await run('calibrate', '--model', model, '--data', 'data');
    assert.equal(result.status, 0, result.stderr);
    const { calibration, ...rest } = configOf();
    const { calibration: _, ...before } = given;
    assert.deepEqual(rest, before);
    assert.ok(calibration.falseQueries >= 5 && calibration.falseQuery95 > 0, JSON.stringify(calibration));
    assert.equal(calibration.steps, given.steps);
    assert.match(calibration.data, /the split validation of data/);
    assert.match(result.stdout, /95 % of the false sentences stay below the score 0\.\d{3}/);
    assert.match(result.stdout, /AUROC of true and false sentences: \d\.\d{3}/);
  });

  it('say whether the best score is above it', async () => {
    const [json, plot] = [inFolder('moments.json'), inFolder('moments.html')];
    const query = 'the moment in which the figure stands up right before standing without moving';
    const find = async (...more: string[]) => {
      const result = await run(
        ...['localize', inFolder('data/videos/video-2.mp4'), '--model', model, '--query', query],
        ...['--json', json, '--plot', plot, ...more],
      );
      assert.equal(result.status, 0, result.stderr);
      const [best] = read(json).pred_relevant_windows as [number, number, number][];
      return { stdout: result.stdout, page: readFileSync(plot, 'utf8'), best: best! };
    };
    const calibration = {
      ...{ falseQuery95: 0.5, falseQueries: 20, trueQueries: 10, trueAbove: 0.4, auroc: 0.7, steps: 1 },
      data: 'a test',
    };
    const said = 'above the score that 95 % of false sentences stay below';

    calibrateAs(calibration);
    const above = await find();
    const [start, end, score] = above.best;
    // What the README says: the sample's own sentence is about 11.11 to 14.48 s.
    assert.ok(Math.abs(start - 11.11) < 1 && Math.abs(end - 14.48) < 1, `${start} ${end}`);
    for (const text of [above.stdout, above.page]) assert.ok(text.includes(`${said} (0.500): yes`), text);
    assert.match(above.page, /after 1 of 1 steps/);

    const other = await find('--set', 'steps=2', '--top', '1');
    assert.match(other.stdout, /not compared.*measured with steps=1, not 2/);
    assert.doesNotMatch(other.stdout, /^2\. /m);

    calibrateAs({ ...calibration, falseQuery95: 0.99 });
    const below = await find();
    assert.equal(below.best[2], score);
    for (const text of [below.stdout, below.page]) {
      assert.ok(text.includes(`${said} (0.990): no; of true sentences, 40 % are above it`), text);
    }

    calibrateAs(undefined);
    const without = await find();
    assert.equal(without.best[2], score);
    for (const text of [without.stdout, without.page]) assert.match(text, /no calibration: how high/);
  });

  it('ask the queries of a data set, as tal evaluate takes the answers', async () => {
    const result = await run(
      ...['localize', 'data', '--out', 'found.jsonl', '--json', 'rtl.json', '--format', 'rtl'],
    );
    assert.equal(result.status, 0, result.stderr);
    const { videos } = read(inFolder('data/annotations.json'));
    const truths = videos.flatMap(({ id: vid, duration, queries }: World) =>
      queries.map(({ id: qid, text: query, windows }) => ({
        ...{ qid, vid, duration, query, relevant_windows: windows },
        ...{ question_id: qid, question: query, answer: `<${windows[0]![0]}> <${windows[0]![1]}>` },
      })),
    );
    const jsonl = truths.map((truth: object) => `${JSON.stringify(truth)}\n`).join('');
    writeFileSync(inFolder('truths.jsonl'), jsonl);
    writeFileSync(inFolder('questions.json'), JSON.stringify(truths));
    const evaluate = async (kind: string, predictions: string, truth: string) => {
      const files = ['--predictions', predictions, '--ground-truth', truth, '--json', 'metrics.json'];
      const scored = await run('evaluate', kind, ...files);
      assert.equal(scored.status, 0, scored.stderr);
      return read(inFolder('metrics.json'));
    };
    const metrics = await evaluate('moments', 'found.jsonl', 'truths.jsonl');
    // It reaches 90 % on the test split.
    assert.ok(metrics['R1@0.5'] >= 60, JSON.stringify(metrics));
    const ofModel = await run(
      ...['evaluate', 'model', '--model', worldModel, '--data', 'data', '--split', 'validation'],
      ...['--json', 'model.json'],
    );
    assert.equal(ofModel.status, 0, ofModel.stderr);
    // One video at a time, or all at once: the same moments up to the noise that they begin as.
    assert.ok(Math.abs(read(inFolder('model.json'))['R1@0.5'] - metrics['R1@0.5']) <= 20);
    const rtl = await evaluate('rtl', 'rtl.json', 'questions.json');
    assert.ok(rtl.mIoU > 40, JSON.stringify(rtl));
  });

  it('look at a video that is longer than a window through several', async () => {
    const world = worldVideo(worldSeed('test', 2));
    // Twice the video: what is asked for occurs in both halves.
    const twice = {
      ...{ ...world, duration: 2 * world.duration },
      frame: (seconds: number, shape: FrameShape) => world.frame(seconds % world.duration, shape),
    };
    await writeWorldVideo(inFolder('long.mp4'), twice);
    const query = 'the moment in which the figure stands up right before standing without moving';
    const result = await run(
      ...['localize', 'long.mp4', '--query', query, '--json', 'long.json', '--plot', 'long.svg'],
    );
    assert.equal(result.status, 0, result.stderr);
    const found = read(inFolder('long.json')).pred_relevant_windows as [number, number, number][];
    for (const from of [11.11, 11.11 + world.duration])
      assert.ok(
        found.slice(0, 6).some(([start]) => Math.abs(start - from) < 1.5),
        JSON.stringify(found),
      );
    assert.match(readFileSync(inFolder('long.svg'), 'utf8'), /^<svg/);
  });

  it('refuse a calibration that is damaged', async () => {
    for (const broken of [3, { falseQuery95: 'high' }, { falseQuery95: 0.5, steps: 1 }]) {
      calibrateAs(broken);
      assertRefused(
        await run('calibrate', '--model', model, '--data', 'data'),
        /config\.json: .*calibration|falseQuer/,
      );
    }
  });
});

/** A video of `annotations.json`. */
interface World {
  readonly id: string;
  readonly duration: number;
  readonly queries: readonly { id: number; text: string; windows: [number, number][] }[];
}
