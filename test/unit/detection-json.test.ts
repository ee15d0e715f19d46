import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { detectionFile, writeDetections } from '../../src/data/annotations/detection-json.js';
import { ensureWritable } from '../../src/data/files/output-file.js';
import { FileAccessError, OptionError } from '../../src/errors.js';

const folder = await mkdtemp(join(tmpdir(), 'detections-'));
after(() => rm(folder, { recursive: true }));

const jump = { label: 'Long jump', score: 0.8, segment: [9, 15.5] as const };

test('writes the ActivityNet format, and nothing else stays behind', async () => {
  const path = join(folder, 'out.json');
  await writeFile(path, 'an earlier file');
  await ensureWritable(path);
  assert.equal(await readFile(path, 'utf8'), 'an earlier file');
  await writeDetections(
    path,
    { video: [{ ...jump, colour: 'blue' } as typeof jump], empty: [] },
    'I3D features',
  );
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), {
    version: 'VERSION 1.3',
    results: { video: [{ label: 'Long jump', score: 0.8, segment: [9, 15.5] }], empty: [] },
    external_data: { used: true, details: 'I3D features' },
  });
  assert.deepEqual(await readdir(folder), ['out.json']);
});

test('says used: false without external data', () => {
  assert.deepEqual(detectionFile({}).external_data, { used: false });
});

test('refuses numbers that JSON cannot hold, and segments that end before they start', () => {
  for (const bad of [
    { score: Number.NaN },
    { segment: [0, Infinity] as const },
    { segment: [2, 1] as const },
  ]) {
    assert.throws(() => detectionFile({ video: [{ ...jump, ...bad }] }), OptionError);
  }
});

test('says before any work that a place cannot be written', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  for (const path of [join(folder, 'absent', 'out.json'), join(file, 'out.json'), folder, '/proc/out.json']) {
    await assert.rejects(ensureWritable(path), (error) => {
      return error instanceof FileAccessError && error.message.includes(path);
    });
  }
  await assert.rejects(writeDetections(join(folder, 'absent', 'out.json'), {}), FileAccessError);
});
