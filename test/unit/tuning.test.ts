import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { FileAccessError } from '../../src/errors.js';
import type { DeviceTraits } from '../../src/gpu/traits.js';
import { Tuning } from '../../src/tensor/tuning.js';
import { loadTuning, saveTuning, tuningFile } from '../../src/tensor/tuning-store.js';

const variants = ['fast', 'plain'];

describe('a tuning', () => {
  it('holds for problems of about the same sizes and the same flags', () => {
    const tuning = new Tuning();
    tuning.record('matmul', variants, { m: 512, n: 3, transpose: true, scale: 0.125 }, 'plain');
    const choice = (problem: object) => tuning.choice('matmul', variants, problem);
    assert.equal(choice({ m: 512, n: 3, transpose: true, scale: 0.125 }), 'plain');
    assert.equal(choice({ m: 450, n: 3, transpose: true, scale: 0.7 }), 'plain');
    assert.equal(choice({ m: 256, n: 3, transpose: true, scale: 0.125 }), undefined);
    assert.equal(choice({ m: 512, n: 4, transpose: true, scale: 0.125 }), undefined);
    assert.equal(choice({ m: 512, n: 3, transpose: false, scale: 0.125 }), undefined);
    assert.equal(tuning.choice('conv2d', variants, {}), undefined);
  });

  it('says nothing once an operation has other variants', () => {
    const tuning = new Tuning();
    tuning.record('softmax', variants, { rows: 1 }, 'plain');
    assert.equal(tuning.choice('softmax', ['faster', ...variants], { rows: 1 }), undefined);
    tuning.record('softmax', ['faster', ...variants], { rows: 2 }, 'faster');
    assert.equal(tuning.choice('softmax', ['faster', ...variants], { rows: 1 }), undefined);
    assert.equal(tuning.choice('softmax', ['faster', ...variants], { rows: 2 }), 'faster');
  });

  it('survives JSON, and anything else counts as empty', () => {
    const tuning = new Tuning();
    tuning.record('softmax', variants, { rows: 64 }, 'plain');
    const copy = Tuning.from(JSON.parse(JSON.stringify(tuning)));
    assert.equal(copy.choice('softmax', variants, { rows: 64 }), 'plain');
    for (const wrong of [undefined, null, 3, 'x', [], { softmax: null }, { softmax: { variants: 1 } }]) {
      assert.deepEqual(Tuning.from(wrong).toJSON(), {}, JSON.stringify(wrong));
    }
  });
});

describe('the store of tunings', () => {
  const cache = process.env.XDG_CACHE_HOME;
  const folder = mkdtempSync(join(tmpdir(), 'tal-tuning-'));
  const traits = { vendor: 'mesa', architecture: 'software', description: 'llvm/pipe: Mesa 25.0.7 (LLVM)' };
  const use = (path: string) => {
    process.env.XDG_CACHE_HOME = path;
    return traits as DeviceTraits;
  };
  afterEach(() => {
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps one for each adapter and driver', async () => {
    const device = use(folder);
    assert.deepEqual(loadTuning(device).toJSON(), {});
    const tuning = new Tuning();
    tuning.record('softmax', variants, { rows: 64 }, 'plain');
    const file = await saveTuning(device, tuning);
    assert.equal(file, join(folder, 'tal-webgpu', 'tuning', 'mesa-software-llvm-pipe-mesa-25.0.7-llvm.json'));
    assert.deepEqual(readdirSync(dirname(file)).length, 1, 'nothing is left beside it');
    assert.equal(loadTuning(device).choice('softmax', variants, { rows: 64 }), 'plain');
    const newer = { ...device, description: 'llvm/pipe: Mesa 26' };
    assert.notEqual(tuningFile(newer), file);
    assert.deepEqual(loadTuning(newer).toJSON(), {});
    writeFileSync(file, '{"softmax":');
    assert.deepEqual(loadTuning(device).toJSON(), {}, 'a damaged file is none');
  });

  it('says so where it cannot write', { skip: process.platform === 'win32' }, async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'tal-tuning-')), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    await assert.rejects(saveTuning(use(file), new Tuning()), FileAccessError);
    rmSync(dirname(file), { recursive: true });
  });
});
