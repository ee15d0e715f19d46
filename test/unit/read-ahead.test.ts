import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openFeatures } from '../../src/datasets/features/open-features.js';
import { loadItems } from '../../src/datasets/sampling/load-items.js';
import { resampleRows } from '../../src/datasets/sampling/resample-rows.js';
import { FileFormatError } from '../../src/errors.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import { ReadAhead } from '../../src/training/read-ahead.js';
import type { TrainingTask } from '../../src/training/training-task.js';
import { missing, sharedData } from '../support/shared-data.js';

const readAheadOf = (load: (index: number) => Promise<unknown>) =>
  new ReadAhead({ load, sampler: () => [] } as unknown as TrainingTask, 1);

test('the next batch is read while one is worked on, and two are held at most', async () => {
  const asked: number[] = [];
  const reader = readAheadOf(async (index) => {
    asked.push(index);
    return index;
  });
  for (let index = 0; index < 5; index++) {
    const batch = reader.of(index);
    reader.begin(index + 1);
    assert.equal(await batch, index);
    assert.deepEqual(
      asked,
      Array.from({ length: index + 2 }, (_, i) => i),
    );
  }
});

test('an error comes with its batch, and names the item', async () => {
  const reader = readAheadOf((index) =>
    loadItems([{ id: `v${index}` }], async ({ id }) => {
      if (id === 'v1') throw new FileFormatError('c.npy holds NaN');
      return id;
    }),
  );
  const first = reader.of(0);
  reader.begin(1);
  assert.deepEqual(await first, ['v0']);
  await reader.settle();
  await assert.rejects(
    reader.of(1),
    (error) => error instanceof FileFormatError && error.message === 'v1: c.npy holds NaN',
  );
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
  const sampler = shuffledBatches(ids.length, size);
  const load = (step: number) => {
    const items = sampler(step, 1).map((i) => ({ id: ids[i]!, duration: 100 }));
    return loadItems(items, async (item, place) =>
      resampleRows(await store.read(item), 60, { seed: 1, step, item: place }),
    );
  };
  const begun = performance.now();
  const before = process.cpuUsage();
  let waited = 0;
  const reader = readAheadOf(load);
  for (let step = 0; step < steps; step++) {
    const asked = performance.now();
    await reader.of(step);
    waited += performance.now() - asked;
    reader.begin(step + 1);
    await wait(work);
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
