import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openFeatures } from '../../src/datasets/features/open-features.js';
import { batchAt } from '../../src/datasets/sampling/draw.js';
import { loadItems, readAhead } from '../../src/datasets/sampling/read-ahead.js';
import { resampleRows } from '../../src/datasets/sampling/resample-rows.js';
import { FileFormatError, OptionError } from '../../src/errors.js';
import { missing, sharedData } from '../support/shared-data.js';

test('batches come in the order of the steps, whichever is loaded first, and few are in memory', async () => {
  let loading = 0;
  let most = 0;
  let started = 0;
  const load = async (step: number) => {
    started++;
    most = Math.max(most, ++loading);
    await wait((step * 7) % 5);
    return step;
  };
  const seen: number[] = [];
  for await (const batch of readAhead(load, { ahead: 3, from: 5, to: 25 })) {
    loading--;
    seen.push(batch);
    // What was started: the batches so far, and three ahead.
    assert.ok(started <= seen.length + 3);
    await wait(1);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, (_, i) => i + 5),
  );
  assert.equal(started, 20);
  assert.ok(most <= 4, `${most} batches were in memory`);
});

test('without reading ahead a batch is loaded when it is asked for', async () => {
  let started = 0;
  const load = async (step: number) => {
    started++;
    return step;
  };
  for await (const batch of readAhead(load, { ahead: 0, to: 4 })) assert.equal(started, batch + 1);
  assert.equal(started, 4);
});

test('an error comes at its step, after the batches before it, and names step and item', async () => {
  const items = ['a', 'b', 'c', 'd'].map((id) => ({ id }));
  const load = (step: number) =>
    loadItems([items[step]!], async ({ id }) => {
      if (id === 'c') throw new FileFormatError('c.npy holds NaN');
      await wait(5);
      return id;
    });
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const [id] of readAhead(load, { to: 4 })) seen.push(id!);
    },
    (error) => error instanceof FileFormatError && error.message === 'step 2: c: c.npy holds NaN',
  );
  assert.deepEqual(seen, ['a', 'b']);
});

test('it ends with the signal, with its reason, and when the loop is left', async () => {
  const controller = new AbortController();
  const signals: AbortSignal[] = [];
  const load = async (step: number, signal: AbortSignal) => {
    signals.push(signal);
    if (step > 1) await wait(10_000, undefined, { signal });
    return step;
  };
  const begun = performance.now();
  await assert.rejects(async () => {
    for await (const step of readAhead(load, { signal: controller.signal }))
      if (step === 1) setTimeout(() => controller.abort(new Error('stopped')), 10);
  }, /^Error: stopped$/);
  for await (const step of readAhead(load)) if (step === 1) break;
  assert.ok(signals.every(({ aborted }) => aborted));
  assert.ok(performance.now() - begun < 5000);
  await assert.rejects(async () => {
    for await (const _ of readAhead(load, { signal: controller.signal })) assert.fail();
  }, /stopped/);
  assert.throws(() => readAhead(load, { ahead: -1 }), OptionError);
});

test('an epoch of real features: the device hardly waits', {
  skip: missing('youtube_highlights'),
}, async (t) => {
  const store = openFeatures(
    {
      parts: [
        { file: 'video_features/{id}_rgb.npy', normalize: 'l2' },
        { file: 'video_features/{id}_opt.npy' },
      ],
    },
    sharedData('youtube_highlights'),
  );
  const [{ ids } = assert.fail()] = await store.stored();
  const size = 8;
  const steps = Math.floor(ids.length / size);
  const work = 100;
  const load = (step: number) => {
    const items = batchAt(ids.length, size, { seed: 1, step }).map((i) => ({ id: ids[i]!, duration: 100 }));
    return loadItems(items, async (item, place) =>
      resampleRows(await store.read(item), 60, { seed: 1, step, item: place }),
    );
  };
  const begun = performance.now();
  const before = process.cpuUsage();
  let waited = 0;
  for (const batches = readAhead(load, { to: steps }); ; await wait(work)) {
    const asked = performance.now();
    const { done } = await batches.next();
    waited += performance.now() - asked;
    if (done) break;
  }
  await store.close();
  const { user, system } = process.cpuUsage(before);
  const share = waited / (performance.now() - begun);
  const cost = (user + system) / 1000 / steps;
  t.diagnostic(
    `waited ${(100 * share).toFixed(1)} % of ${steps} steps; ${cost.toFixed(0)} ms of processor time each`,
  );
  // The work on a batch hides what the next one takes, unless others want the processor.
  assert.ok(cost < work, `a batch takes ${cost} ms of processor time`);
  if (loadavg()[0]! < availableParallelism()) assert.ok(share < 0.05, `waited ${100 * share} %`);
  else t.diagnostic('the machine is busy: how long it waits says nothing');
});
