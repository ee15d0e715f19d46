import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readMomentQueries } from '../../src/data/annotations/moment-queries.js';
import { openRecordings } from '../../src/data/formats/recordings.js';
import { FileFormatError } from '../../src/errors.js';
import { missing, sharedData } from '../support/shared-data.js';

const folder = mkdtempSync(join(tmpdir(), 'queries-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'queries.jsonl');

const recordings = new Map([
  ['long', { duration: 200 }],
  ['short', { duration: 40.04 }],
]);
const good = {
  qid: 7,
  vid: 'long',
  excerpt: [9.2, 105.2],
  duration: 96,
  query: 'someone sits down',
  kind: 'single',
  relevant_windows: [[0, 12.5]],
};

function read(...lines: (object | string)[]) {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  writeFileSync(path, text);
  return readMomentQueries(path, recordings);
}

test('queries with their excerpts and windows; empty lines do not count as queries', async () => {
  const short = { ...good, qid: '7', vid: 'short', excerpt: [0, 40.04], duration: 40.04 };
  const { relevant_windows: _, kind: __, ...open } = { ...good, qid: 8 };
  assert.deepEqual(await read(good, '', short, open, ''), [
    {
      qid: 7,
      vid: 'long',
      excerpt: [9.2, 105.2],
      duration: 96,
      query: 'someone sits down',
      kind: 'single',
      windows: [[0, 12.5]],
    },
    {
      qid: '7',
      vid: 'short',
      excerpt: [0, 40.04],
      duration: 40.04,
      query: 'someone sits down',
      kind: 'single',
      windows: [[0, 12.5]],
    },
    {
      qid: 8,
      vid: 'long',
      excerpt: [9.2, 105.2],
      duration: 96,
      query: 'someone sits down',
      kind: '',
      windows: [],
    },
  ]);
});

const faults: [what: string, line: object | string, message: RegExp][] = [
  ['a line that is not JSON', '{"qid": 7,', /not JSON/],
  ['NaN', JSON.stringify(good).replace('12.5', 'NaN'), /not JSON/],
  ['a line that is no object', '[1]', /not an object/],
  ['a missing qid', { ...good, qid: undefined }, /qid is missing/],
  ['a broken qid', { ...good, qid: 1.5 }, /qid/],
  ['an unknown recording', { ...good, vid: 'lost' }, /"lost" is no recording/],
  ['an excerpt beyond its recording', { ...good, excerpt: [110, 206], duration: 96 }, /not within long/],
  ['an excerpt before its recording', { ...good, excerpt: [-1, 95] }, /not within long/],
  ['an excerpt longer than its recording', { ...good, vid: 'short', excerpt: [0, 96] }, /not within short/],
  ['an excerpt that ends before it starts', { ...good, excerpt: [105.2, 9.2] }, /after its end/],
  ['another duration', { ...good, duration: 95 }, /duration is 95/],
  ['an empty excerpt', { ...good, excerpt: [5, 5], duration: 0 }, /duration is 0/],
  ['a window that ends before it starts', { ...good, relevant_windows: [[9, 8]] }, /after its end/],
  ['a window of no length', { ...good, relevant_windows: [[9, 9]] }, /no length/],
  ['a window beyond the excerpt', { ...good, relevant_windows: [[90, 96.5]] }, /not within the excerpt/],
  ['a window before the excerpt', { ...good, relevant_windows: [[-0.5, 3]] }, /not within the excerpt/],
  ['a window of three numbers', { ...good, relevant_windows: [[1, 2, 3]] }, /relevant_windows\[0\]/],
  ['windows that are no list', { ...good, relevant_windows: 3 }, /relevant_windows is 3/],
  ['an empty sentence', { ...good, query: ' ' }, /query/],
  ['no sentence', { ...good, query: null }, /query is null/],
  ['an empty kind', { ...good, kind: '' }, /kind/],
];
for (const [what, line, message] of faults) {
  test(`refuses ${what}, and names file and line`, async () => {
    await assert.rejects(read({ ...good, qid: 1 }, '', line), (error) => {
      assert.ok(error instanceof FileFormatError);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`${path}, line 3: `), error.message);
      return true;
    });
  });
}

test('refuses a qid that comes twice', async () => {
  await assert.rejects(read(good, good), /line 2: qid 7 occurs twice/);
});

test('the queries of HAPT', { skip: missing('hapt') }, async () => {
  const { byName } = await openRecordings(sharedData('hapt'));
  const train = await readMomentQueries(sharedData('hapt/queries-train.jsonl'), byName);
  const validation = await readMomentQueries(sharedData('hapt/queries-validation.jsonl'), byName);
  assert.equal(train.length, 12_000);
  assert.equal(validation.length, 1000);
  assert.deepEqual(new Set(train.map(({ vid }) => byName.get(vid)!.split)), new Set(['train']));
  assert.deepEqual(new Set(train.map(({ kind }) => kind)), new Set(['single', 'ordinal', 'relation']));
  for (const { vid, excerpt } of validation) {
    assert.equal(byName.get(vid)!.signal(...excerpt).length, 6 * 4800);
  }
});
