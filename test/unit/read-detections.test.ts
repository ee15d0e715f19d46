import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { writeDetections } from '../../src/data/annotations/detection-json.js';
import { readAnnotations, readDetections } from '../../src/data/annotations/read-detections.js';
import { FileAccessError, FileFormatError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';

const folder = mkdtempSync(join(tmpdir(), 'read-detections-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file.json');

test('reads what was written', async () => {
  const jump = { label: 'Long jump', score: 0.8, segment: [9, 15.5] as const };
  await writeDetections(path, { video: [jump, jump], empty: [] });
  assert.deepEqual(
    await readDetections(path),
    new Map([
      ['video', [jump, jump]],
      ['empty', []],
    ]),
  );
});

const annotated = {
  database: {
    a: { subset: 'validation', annotations: [{ label: 'jump', segment: [1, 2] }] },
    b: { subset: 'training', annotations: 'not looked at' },
    c: { subset: 'validation', annotations: [{ label: 'run', segment: ['18.6', ' 24.8'] }] },
    d: { subset: 'testing', annotations: [] },
  },
};

test('reads the annotations of one subset, also where numbers are in quotes', async () => {
  writeFileSync(path, JSON.stringify(annotated));
  assert.deepEqual(
    await readAnnotations(path, 'validation'),
    new Map([
      ['a', [{ label: 'jump', segment: [1, 2] }]],
      ['c', [{ label: 'run', segment: [18.6, 24.8] }]],
    ]),
  );
  await assert.rejects(readAnnotations(path, 'testing'), /no video of the subset testing/);
  await assert.rejects(readAnnotations(path, 'test'), /its subsets: validation, training, testing/);
});

const good = { label: 'jump', score: 1, segment: [1, 2] };
const faults: [what: string, content: unknown, message: RegExp][] = [
  ['no results', { version: '1' }, /results/],
  ['results that are a list', { results: [good] }, /results/],
  ['a video without a list', { results: { a: good } }, /results: a is .* not an array/],
  [
    'a label that is no text',
    { results: { a: [good, { ...good, label: 3 }] } },
    /results: a\[1\]: label is 3/,
  ],
  ['a missing score', { results: { a: [{ ...good, score: undefined }] } }, /score is missing/],
  ['a score in quotes', { results: { a: [{ ...good, score: '1' }] } }, /score is "1"/],
  [
    'a segment that ends before it starts',
    { results: { a: [{ ...good, segment: [2, 1] }] } },
    /after its end/,
  ],
  ['a segment of one number', { results: { a: [{ ...good, segment: [2] }] } }, /segment is \[2\]/],
  ['a segment of words', { results: { a: [{ ...good, segment: ['', 'x'] }] } }, /segment is/],
  ['null in a segment', { results: { a: [{ ...good, segment: [null, 1] }] } }, /segment is/],
];
for (const [what, content, message] of faults) {
  test(`refuses ${what}`, async () => {
    writeFileSync(path, JSON.stringify(content));
    await assert.rejects(
      readDetections(path),
      (error) => error instanceof FileFormatError && message.test(error.message),
    );
  });
}

test('refuses NaN, cut files and missing ones', async () => {
  writeFileSync(path, '{"results": {"a": [{"label": "x", "score": NaN, "segment": [0, 1]}]}}');
  await assert.rejects(readDetections(path), FileFormatError);
  await assert.rejects(readDetections(join(folder, 'absent.json')), FileAccessError);
  const bytes = new TextEncoder().encode(JSON.stringify(annotated));
  await fc.assert(
    fc.asyncProperty(damaged(bytes), async (content) => {
      writeFileSync(path, content);
      await readAnnotations(path, 'validation').catch((error) =>
        assert.ok(error instanceof FileFormatError, `${error}`),
      );
    }),
  );
});
