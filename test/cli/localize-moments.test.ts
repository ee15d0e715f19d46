import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertRefused } from '../support/refused.js';
import { noVideoLibrary } from '../support/video-library.js';

const tal = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const checkpoints = fileURLToPath(new URL('../../../checkpoints/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tal-moments-cli-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
const run = (...args: string[]) =>
  spawnSync(process.execPath, [tal, ...args], { encoding: 'utf8', timeout: 600_000, cwd: folder });

const model = inFolder('model');
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const configOf = () => read(join(model, 'config.json'));
const calibrateAs = (calibration: unknown) =>
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...configOf(), calibration }));

before(() => {
  cpSync(join(checkpoints, 'words'), inFolder('words'), { recursive: true });
  cpSync(join(checkpoints, 'world-map-diffusion'), model, { recursive: true });
});

describe('tal calibrate and tal moments', () => {
  it('measure what false sentences score, and keep it in the folder', () => {
    const given = configOf();
    assert.equal(given.calibration.falseQueries, 600);
    calibrateAs(undefined);
    const result = run('calibrate', 'world', '--model', model, '--videos', '3');
    assert.equal(result.status, 0, result.stderr);
    const { calibration, ...rest } = configOf();
    const { calibration: _, ...before } = given;
    assert.deepEqual(rest, before);
    assert.equal(calibration.trueQueries, calibration.falseQueries);
    assert.ok(calibration.falseQueries >= 12 && calibration.falseQuery95 > 0, JSON.stringify(calibration));
    assert.equal(calibration.steps, given.steps);
    assert.match(calibration.data, /first 3 videos of the validation split/);
    assert.match(result.stdout, /95 % of the false sentences stay below the score 0\.\d{3}/);
    assert.match(result.stdout, /AUROC of true and false sentences: 0\.\d{3}/);
  });

  it('say whether the best score is above it', { skip: noVideoLibrary }, () => {
    const sampled = run('sample', '--out', inFolder('samples'), '--count', '1', '--seed', '2');
    assert.equal(sampled.status, 0, sampled.stderr);
    const [json, plot] = [inFolder('moments.json'), inFolder('moments.html')];
    const find = (...more: string[]) => {
      const result = run(
        ...['moments', '--model', model, '--video', inFolder('samples/video-0002.mp4')],
        ...['--query', 'the moment in which the figure stands up right before standing without moving'],
        ...['--json', json, '--plot', plot, ...more],
      );
      assert.equal(result.status, 0, result.stderr);
      return { stdout: result.stdout, page: readFileSync(plot, 'utf8'), ...read(json) };
    };
    const calibration = {
      ...{ falseQuery95: 0.5, falseQueries: 20, trueQueries: 10, trueAbove: 0.4, auroc: 0.7, steps: 1 },
      data: 'a test',
    };
    const said = 'above the score that 95 % of false sentences stay below';

    calibrateAs(calibration);
    const above = find();
    const [{ segment, score }] = above.moments;
    // What the README says: the sample's own sentence is about 11.11 to 14.48 s.
    assert.ok(Math.abs(segment[0] - 11.11) < 1 && Math.abs(segment[1] - 14.48) < 1, `${segment}`);
    assert.deepEqual(above.calibration, { ...calibration, above: true });
    for (const text of [above.stdout, above.page]) assert.ok(text.includes(`${said} (0.500): yes`), text);

    const other = find('--steps', '2');
    assert.equal(other.calibration.above, null);
    assert.match(other.stdout, /not compared.*measured with --steps 1, not 2/);

    calibrateAs({ ...calibration, falseQuery95: 0.99 });
    const below = find();
    assert.equal(below.moments[0].score, score);
    assert.equal(below.calibration.above, false);
    for (const text of [below.stdout, below.page]) {
      assert.ok(text.includes(`${said} (0.990): no; of true sentences, 40 % are above it`), text);
    }

    calibrateAs(undefined);
    const without = find();
    assert.equal(without.moments[0].score, score);
    assert.equal(without.calibration, null);
    for (const text of [without.stdout, without.page]) assert.match(text, /no calibration: how high/);
  });

  it('refuse a calibration that is damaged', () => {
    for (const broken of [3, { falseQuery95: 'high' }, { falseQuery95: 0.5, steps: 1 }]) {
      calibrateAs(broken);
      assertRefused(
        run('calibrate', 'world', '--model', model, '--videos', '2'),
        /config\.json: .*calibration|falseQuer/,
      );
    }
  });
});
