import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeNpy } from '../../src/data/formats/npy.js';
import { openDataset } from '../../src/datasets/open-dataset.js';
import { FileFormatError, TalError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { madeFolders } from '../support/dataset-folder.js';
import { missing, sharedData } from '../support/shared-data.js';

const folderOf = madeFolders('co2net');
const skip = missing('thumos14');

/** The folder as it was distributed, without what other readers know. */
const copied = (changed: Readonly<Record<string, Uint8Array>> = {}) => {
  const files = readdirSync(sharedData('thumos14')).filter((name) => name.endsWith('.npy'));
  return folderOf(
    Object.fromEntries(
      files.map((name) => [name, changed[name] ?? readFileSync(sharedData(`thumos14/${name}`))]),
    ),
  );
};

test('THUMOS-14: the videos and segments of its annotations in JSON', { skip }, async () => {
  const dataset = await openDataset(copied());
  assert.deepEqual(dataset.splits, ['train', 'test']);
  assert.equal(dataset.items('validation'), dataset.items('train'));
  assert.equal(dataset.classes.length, 20);
  const { database } = JSON.parse(readFileSync(sharedData('thumos14/gt.json'), 'utf8')) as {
    database: Record<string, { subset: string; annotations: { label: string; segment: string[] }[] }>;
  };
  const known = Object.entries(database).filter(([, { subset }]) => subset === 'test');
  const items = new Map(dataset.items('test').map((item) => [item.id, item]));
  let compared = 0;
  for (const [id, { annotations }] of known) {
    const item = items.get(id);
    if (!item) continue;
    const held = new Set(
      item.annotations.segments!.map(({ label, segment }) => `${label} ${segment.join(' ')}`),
    );
    for (const { label, segment } of annotations) {
      const [start, end] = segment.map(Number) as [number, number];
      if (end > item.duration) continue;
      assert.ok(held.has(`${label} ${start} ${end}`), `${id}: ${label} ${start} ${end}`);
      compared++;
    }
    for (const { label } of item.annotations.segments!) assert.ok(dataset.classes.includes(label));
  }
  assert.ok(compared > 3000, `${compared} segments`);
});

const faults: [file: string, bytes: Uint8Array, message: RegExp][] = [
  ['co2net_duration.npy', writeNpy(new Float64Array(3)), /co2net_duration\.npy has 3 elements, .*412 videos/],
  [
    'co2net_duration.npy',
    writeNpy(new Float64Array(412)),
    /co2net_duration\.npy: element 0 is 0, not a number above 0/,
  ],
  ['co2net_segments.npy', new Uint8Array(10), /co2net_segments\.npy/],
];
for (const [file, bytes, message] of faults) {
  test(`THUMOS-14: ${message.source}`, { skip }, () =>
    assert.rejects(openDataset(copied({ [file]: bytes })), (error) => {
      assert.ok(error instanceof FileFormatError, String(error));
      assert.match(error.message, message);
      return true;
    }),
  );
}

test('THUMOS-14: damaged files are refused, or read', { skip }, async () => {
  const folder = copied();
  for (const name of ['co2net_labels_all.npy', 'co2net_subset.npy', 'co2net_videoname.npy']) {
    const bytes = readFileSync(join(folder, name));
    await fc.assert(
      fc.asyncProperty(damaged(bytes), async (broken) => {
        writeFileSync(join(folder, name), broken);
        try {
          await openDataset(folder);
        } catch (error) {
          assert.ok(error instanceof TalError, String(error));
        }
      }),
      { numRuns: 20 },
    );
    writeFileSync(join(folder, name), bytes);
  }
});
