import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDataset } from '../../src/datasets/open-dataset.js';
import { OptionError, ReleasedError } from '../../src/errors.js';
import { madeFolders } from '../support/dataset-folder.js';
import { recordingsHeader } from '../support/recordings.js';
import { missing, sharedData } from '../support/shared-data.js';

const folderOf = madeFolders('open-dataset');

const counts = async (folder: string) => {
  const dataset = await openDataset(folder);
  return Object.fromEntries(
    dataset.splits.map((split) => {
      const items = dataset.items(split);
      const held = items.map(({ annotations: { queries = [], segments = [], captions = [] } }) => [
        ...[queries.length, segments.length, captions.length],
      ]);
      return [split, [items.length, ...[0, 1, 2].map((i) => held.reduce((sum, row) => sum + row[i]!, 0))]];
    }),
  );
};

/** Videos, queries, segments and captions by split. Of Charades-STA, 3 sentences have nothing left of their span. */
const published: Record<string, Record<string, number[]>> = {
  tvsum: { train: [40, 40, 0, 0], validation: [10, 10, 0, 0] },
  hapt: { train: [43, 12000, 853, 0], validation: [10, 1000, 202, 0] },
  charades_sta: { train: [5338, 12405, 0, 0], test: [1334, 3720, 0, 0] },
  qvhighlights: { train: [7100, 7218, 0, 0], validation: [1519, 1550, 0, 0], test: [1529, 1542, 0, 0] },
};
for (const [name, expected] of Object.entries(published)) {
  test(`${name} as it was distributed`, { skip: missing(name) }, async () => {
    assert.deepEqual(await counts(sharedData(name)), expected);
  });
}

const tiny = { videos: [{ id: 'a', duration: 10 }] };

test('a folder without dataset.json that looks like nothing', async () => {
  await assert.rejects(openDataset(folderOf({ 'a.txt': 'a' })), (error) => {
    assert.ok(error instanceof OptionError);
    assert.match(error.message, /looks like none of tal, .*it holds a\.txt/);
    return true;
  });
});

test('a split by its own name, and one that there is not', async () => {
  const dataset = await openDataset(
    folderOf({
      'dataset.json': {
        annotations: { layout: 'tal', files: { training: 'a.json', val: 'b.json', extra: 'c.json' } },
      },
      ...{ 'a.json': tiny, 'b.json': tiny, 'c.json': tiny },
    }),
  );
  assert.deepEqual(dataset.splits, ['train', 'validation', 'extra']);
  assert.equal(dataset.items('training'), dataset.items('train'));
  assert.equal(dataset.items('val'), dataset.items('validation'));
  assert.throws(
    () => dataset.items('trian'),
    /did you mean train\? \(it has train, validation, extra, training, val\)/,
  );
  await dataset.close();
});

test('a split whose own name is that of another keeps it', async () => {
  const dataset = await openDataset(
    folderOf({
      'dataset.json': { annotations: { layout: 'tal', files: { val_2: 'a.json', test: 'b.json' } } },
      ...{ 'a.json': tiny, 'b.json': { videos: [{ id: 'b', duration: 1 }] } },
    }),
  );
  assert.deepEqual(dataset.splits, ['test', 'val_2']);
  assert.equal(dataset.items('test')[0]!.id, 'b');
});

test('ids never lead out of the folder', async () => {
  for (const id of ['../secret', '/etc/passwd', 'a/../../b', 'C:\\a', 'a\0']) {
    const dataset = await openDataset(
      folderOf({
        'dataset.json': { videos: 'videos/{id}.mp4' },
        'annotations.json': { videos: [{ id, duration: 10 }] },
      }),
    );
    await assert.rejects(dataset.items('all')[0]!.video!(), /is no path in the folder/, id);
  }
  for (const files of ['../a.json', '/a.json', 'a//b.json', './a.json', 'a\\b.json'])
    await assert.rejects(
      openDataset(folderOf({ 'dataset.json': { annotations: { layout: 'tal', files } } })),
      /files is .*must be a path in the folder/,
    );
});

test('a data set that is closed', async () => {
  const dataset = await openDataset(
    folderOf({ 'dataset.json': { videos: '{id}.mp4' }, 'annotations.json': tiny }),
  );
  const [item] = dataset.items('all');
  await dataset.close();
  await assert.rejects(item!.video!(), ReleasedError);
});

test('recordings with their signals', async () => {
  const header = recordingsHeader();
  const samples = header.recordings.reduce((sum, { samples }) => sum + samples, 0);
  const signal = Int16Array.from({ length: samples * header.channels.length }, (_, i) => i);
  const dataset = await openDataset(
    folderOf({ 'made.json': header, 'made_i16.bin': new Uint8Array(signal.buffer) }),
  );
  const [item] = dataset.items('train');
  const { rate, channels, read } = await item!.signal!();
  assert.deepEqual([rate, channels], [header.rate_hz, header.channels]);
  assert.deepEqual(
    read(0, 0.2),
    Float32Array.from(
      signal.subarray(0, 2 * channels.length),
      (value, i) => value * header.scale[i % channels.length]!,
    ),
  );
});
