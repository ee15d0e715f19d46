import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Runtime } from '../../src/tensor/runtime.js';
import { tal } from '../support/tal.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-bench-'));
after(() => rmSync(folder, { recursive: true }));

// A cache of its own; the driver's cache stays where it is, for it may hold the driver.
process.env.TAL_TUNING_CACHE = folder;
const bench = (...args: string[]) => tal(['bench', ...args], folder);

describe('tal bench', () => {
  it('times every legal variant, names the adapter, and keeps the results', async () => {
    const json = join(folder, 'results.json');
    const { status, stdout } = await bench('--only', 'argmax', '--rounds', '1', '--json', json);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /GFLOP\/s multiply-add f32, .* GB\/s copy/);
    const { device, ceilings, rows } = JSON.parse(readFileSync(json, 'utf8'));
    assert.ok(device.description && device.cpu && ceilings.gigabytes > 0);
    assert.ok(rows.length >= 2);
    assert.equal(rows.filter((row: { isDefault: boolean }) => row.isDefault).length >= 1, true);
    for (const { timing, timesDefault } of rows) assert.ok(timing.median > 0 && timesDefault > 0);
  });

  it('tunes, and later runtimes on this adapter choose what was found', async () => {
    const { status, stdout } = await bench('--tune', '--only', 'softmax', '--rounds', '1');
    assert.equal(status, 0, stdout);
    const [file] = readdirSync(folder).filter((name) => name !== 'results.json');
    const tuning = JSON.parse(readFileSync(join(folder, file!), 'utf8'));
    assert.ok(Object.keys(tuning.softmax.choices).length >= 3);
    const runtime = await Runtime.create();
    assert.deepEqual(runtime.tuning.toJSON(), tuning);
    runtime.destroy();
  });

  it('tells what the host costs', async () => {
    const { status, stdout } = await bench('--host-time', '--rounds', '1');
    assert.equal(status, 0, stdout);
    assert.match(
      stdout,
      /\d+ dispatches[\s\S]*us of JavaScript a dispatch[\s\S]*share of a replayed step: [\d.]+ %/,
    );
  });

  it('tells how long the start takes', async () => {
    const { status, stdout } = await bench('--start-up', '--rounds', '1');
    assert.equal(status, 0, stdout);
    assert.match(
      stdout,
      /ms to the first result = modules \d+ \+ adapter \d+ \+ weights \d+ \+ compilation \d+/,
    );
  });

  it('refuses what it cannot do before it starts', async () => {
    for (const [args, message] of [
      [['--only', 'sotfmax'], /There is no sotfmax; there are .*softmax/],
      [['--rounds', '0'], /It must be an integer of at least 1/],
      [['--storage', 'f64'], /Allowed choices are f32, f16/],
      [['--json', join(folder, 'absent', 'x.json')], /absent/],
    ] as const) {
      const { status, stderr, stdout } = await bench(...args);
      assert.equal(status, 1, args.join(' '));
      assert.match(stderr, message);
      assert.doesNotMatch(stdout, /ceilings/);
    }
    assert.ok(!existsSync(join(folder, 'absent')));
  });
});
