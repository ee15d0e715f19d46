import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importHapt } from '../../src/datasets/hapt/import-hapt.js';
import { openDataset } from '../../src/datasets/open-dataset.js';
import { FileAccessError, FileFormatError } from '../../src/errors.js';
import { type Content, madeFolders } from '../support/dataset-folder.js';
import { missing, sharedData } from '../support/shared-data.js';

const folderOf = madeFolders('import-hapt');

interface Header {
  readonly recordings: readonly { exp: number; samples: number; offset: number }[];
}

const skip = missing('hapt', 'hapt_raw_sample');

test('the recordings of the distribution are those that were converted elsewhere', { skip }, async () => {
  const out = join(folderOf({}), 'out');
  const imported = await importHapt(sharedData('hapt_raw_sample'), out, {
    trainQueries: 300,
    otherQueries: 100,
  });
  assert.deepEqual(imported, [
    { split: 'train', recordings: 1, queries: 300 },
    { split: 'validation', recordings: 1, queries: 100 },
  ]);
  const [own, other] = [out, sharedData('hapt')].map((folder) => ({
    header: JSON.parse(readFileSync(join(folder, 'hapt.json'), 'utf8')) as Header,
    signals: readFileSync(join(folder, 'hapt_i16.bin')),
  }));
  const { recordings: owned, ...about } = own!.header;
  const { recordings: others, ...aboutOther } = other!.header;
  assert.deepEqual(about, aboutOther);
  assert.deepEqual(
    owned.map(({ exp }) => exp),
    [1, 44],
  );
  for (const { offset, ...recording } of owned) {
    const { offset: at, ...same } = others.find(({ exp }) => exp === recording.exp)!;
    assert.deepEqual(recording, same);
    const rows = (signals: Buffer, first: number) =>
      signals.subarray(12 * first, 12 * (first + recording.samples));
    assert.ok(rows(own!.signals, offset).equals(rows(other!.signals, at)), `experiment ${recording.exp}`);
  }
});

test('queries are true of one segment of their excerpt, and the same with the same seed', {
  skip,
}, async () => {
  const [first, again, other] = [3, 3, 4].map((seed) => ({ seed, out: join(folderOf({}), 'out') }));
  const read = async ({ seed, out }: { seed: number; out: string }) => {
    await importHapt(sharedData('hapt_raw_sample'), out, { seed, trainQueries: 600, otherQueries: 0 });
    return readFileSync(join(out, 'queries-train.jsonl'), 'utf8');
  };
  assert.equal(await read(first!), await read(again!));
  assert.notEqual(await read(other!), await read(first!));
  const [item] = (await openDataset(first!.out)).items('train');
  const { segments = [], queries = [] } = item!.annotations;
  const kinds = new Map<string, number>();
  for (const { text, kind, excerpt, windows } of queries) {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    assert.ok(Math.abs(excerpt[1] - excerpt[0] - 96) < 1e-9);
    const [[start, end], ...more] = windows as [readonly [number, number]];
    assert.deepEqual(more, []);
    // What the excerpt shows of each segment.
    const seen = segments.flatMap(({ label, segment }) => {
      const [from, to] = [Math.max(0, segment[0] - excerpt[0]), Math.min(96, segment[1] - excerpt[0])];
      return to > from ? [{ label, from, to }] : [];
    });
    const target = seen.find(({ from, to }) => Math.abs(from - start) < 0.006 && Math.abs(to - end) < 0.006);
    assert.ok(target, `${text}: ${start} ${end}`);
    const alike = seen.filter(({ label }) => label === target.label);
    const nth = ['first', 'second', 'third', 'fourth'].findIndex((word) => text.includes(` ${word} time`));
    if (kind === 'single') assert.equal(alike.length, 1, text);
    if (kind === 'ordinal') assert.equal(alike.indexOf(target), nth, text);
    if (kind === 'relation') assert.match(text, /\b(after|before)\b/);
    else assert.doesNotMatch(text, /\b(after|before)\b/);
  }
  assert.equal(queries.length, 600);
  for (const kind of ['single', 'ordinal', 'relation']) assert.ok(kinds.get(kind)! > 100, kind);
});

const good: Readonly<Record<string, Content>> = {
  'activity_labels.txt': '1 WALKING\n2 SITTING\n',
  'RawData/labels.txt': '1 1 1 1 2\n1 1 2 3 3\n9 9 1 1 5\n',
  'RawData/acc_exp01_user01.txt': '1 0 0\n-1 0.5 0\n0 0 3.9\n',
  'RawData/gyro_exp01_user01.txt': '1 0 0\n-1 0.5 0\n0 0 3.9\n',
};

test('a recording of three samples', async () => {
  const out = join(folderOf({}), 'out');
  await importHapt(folderOf(good), out, { trainQueries: 1 });
  const [item] = (await openDataset(out)).items('train');
  assert.deepEqual(item!.annotations.segments, [
    { label: 'WALKING', segment: [0, 0.04] },
    { label: 'SITTING', segment: [0.04, 0.06] },
  ]);
  const { read } = await item!.signal!();
  assert.deepEqual([...read(0, 0.02)], [1, 0, 0, 1, 0, 0]);
  assert.ok(Math.abs(read(0.04, 0.06)[2]! - 3.9) <= 2 ** -14);
});

const faults: [file: string, content: string | undefined, error: typeof FileFormatError, message: RegExp][] =
  [
    [
      'RawData/acc_exp01_user01.txt',
      '1 0 0\n1 x 0\n0 0 0\n',
      FileFormatError,
      /acc_exp01_user01\.txt, line 2: expected 3/,
    ],
    [
      'RawData/acc_exp01_user01.txt',
      '1 0 0\n',
      FileFormatError,
      /gyro_exp01_user01\.txt has 3 lines, .* has 1/,
    ],
    [
      'RawData/acc_exp01_user01.txt',
      '1 0 0\n5 0 0\n0 0 0\n',
      FileFormatError,
      /acc_x of sample 2 is 5, beyond/,
    ],
    ['RawData/gyro_exp01_user01.txt', undefined, FileAccessError, /no gyro_exp01_user01\.txt/],
    ['RawData/labels.txt', '1 1 3 1 2\n', FileFormatError, /labels\.txt, line 1: activity 3 of 2/],
    ['RawData/labels.txt', '1 1 1 1 4\n', FileFormatError, /line 1: sample 4 of 3/],
    ['RawData/labels.txt', '1 2 1 1 2\n', FileFormatError, /line 1: experiment 1 is of user 1, not 2/],
    ['RawData/labels.txt', '1 1 1 2\n', FileFormatError, /line 1: expected experiment, user/],
    ['activity_labels.txt', '1 WALKING\n3 SITTING\n', FileFormatError, /line 2: expected 2 and the name/],
  ];
for (const [file, content, error, message] of faults) {
  test(`the importer refuses: ${message.source}`, async () => {
    const files = Object.fromEntries(
      Object.entries({ ...good, [file]: content }).filter(([, content]) => content !== undefined),
    ) as Record<string, Content>;
    await assert.rejects(importHapt(folderOf(files), join(folderOf({}), 'out')), (thrown) => {
      assert.ok(thrown instanceof error, String(thrown));
      assert.match((thrown as Error).message, message);
      return true;
    });
  });
}
