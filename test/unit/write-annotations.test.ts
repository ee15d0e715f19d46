import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDataset } from '../../src/datasets/open-dataset.js';
import type { Annotations } from '../../src/datasets/video-dataset.js';
import { writeElan } from '../../src/datasets/write-elan.js';
import { writeVia } from '../../src/datasets/write-via.js';
import { OptionError } from '../../src/errors.js';
import type { Segment } from '../../src/time/segment.js';
import { madeFolders } from '../support/dataset-folder.js';

const folderOf = madeFolders('write-annotations');

const DURATION = 60;
/** Text as a person types it: without space around it, which tools for annotation drop. */
const words = fc
  .string({ unit: fc.constantFrom(...'ab,<>&"\'é\n\u{1F600} '), minLength: 1, maxLength: 12 })
  .map((text) => text.trim())
  .filter((text) => text !== '');
/** In whole milliseconds. */
const span: fc.Arbitrary<Segment> = fc
  .tuple(fc.nat(DURATION * 1000 - 1), fc.nat(DURATION * 1000 - 1))
  .map(([a, b]) => [Math.min(a, b) / 1000, (Math.max(a, b) + 1) / 1000]);
const queryId = fc.oneof(
  fc.integer(),
  words,
  fc.integer().map(String),
  words.map((text) => `"${text}"`),
);
const annotations: fc.Arbitrary<Annotations> = fc.record({
  segments: fc.array(fc.record({ label: words, segment: span }), { maxLength: 6 }),
  captions: fc.array(fc.record({ text: words, segment: span }), { maxLength: 6 }),
  queries: fc.uniqueArray(
    fc.record({
      id: queryId,
      text: words,
      excerpt: fc.constant<Segment>([0, DURATION]),
      windows: fc.uniqueArray(span, { minLength: 1, maxLength: 3, selector: String }),
      kind: fc.constantFrom('', 'single', 'relation'),
    }),
    { maxLength: 4, selector: ({ id }) => JSON.stringify(id) },
  ),
  labels: fc.uniqueArray(words, { maxLength: 3 }),
});

/** Annotations whose order says nothing. */
function unordered({ segments, captions, queries, labels }: Annotations) {
  const sorted = (list: readonly unknown[] | undefined) => list?.map((one) => JSON.stringify(one)).sort();
  return {
    segments: sorted(segments?.map(({ label, segment }) => [label, segment])),
    captions: sorted(captions?.map(({ text, segment }) => [text, segment])),
    queries: sorted(
      queries?.map(({ id, text, windows, kind, excerpt }) => [id, text, sorted(windows), kind, excerpt]),
    ),
    labels: sorted(labels),
  };
}

test('what is written as ELAN is read back', async () => {
  await fc.assert(
    fc.asyncProperty(annotations, async (written) => {
      const folder = folderOf({});
      await writeElan(
        join(folder, 'v.eaf'),
        { id: 'v', duration: DURATION, annotations: written },
        'v & w.mp4',
      );
      const [item, ...more] = (await openDataset(folder)).items('all');
      assert.deepEqual(more, []);
      assert.deepEqual([item!.id, item!.duration], ['v', DURATION]);
      assert.deepEqual(unordered(item!.annotations), unordered(written));
    }),
    { numRuns: 100 },
  );
});

test('what is written as VIA is read back', async () => {
  await fc.assert(
    fc.asyncProperty(annotations, annotations, async (first, second) => {
      const folder = folderOf({});
      const unique = {
        ...second,
        queries: second.queries!.map((query) => ({ ...query, id: `2: ${query.id}` })),
      };
      const videos = [first, unique].map((annotations, i) => ({
        id: `v${i}`,
        duration: DURATION,
        annotations,
      }));
      await writeVia(join(folder, 'project.json'), videos, 'videos/{id}.webm');
      const items = (await openDataset(folder)).items('all');
      assert.deepEqual(
        items.map(({ id, duration, annotations }) => [id, duration, unordered(annotations)]),
        videos.map(({ id, duration, annotations }) => [id, duration, unordered(annotations)]),
      );
    }),
    { numRuns: 100 },
  );
});

const query = { id: 1, text: 'a', excerpt: [0, 10] as const, windows: [[0, 1] as const], kind: '' };
const refused: [what: string, annotations: Annotations, message: RegExp][] = [
  ['scores', { clipScores: { clips: [], scores: [] } }, /has clipScores/],
  ['a query about an excerpt', { queries: [{ ...query, excerpt: [1, 10] }] }, /a query 1 about an excerpt/],
  ['a query without windows', { queries: [{ ...query, windows: [] }] }, /a query 1 without a window/],
  ['a blank label', { segments: [{ label: ' ', segment: [0, 1] }] }, /a blank label at 0 s/],
  [
    'a caption of no words',
    { captions: [{ text: '', segment: [0, 1] }] },
    /captions\[0\]\.text must be a string that is not blank/,
  ],
];
for (const [what, annotations, message] of refused) {
  test(`${what}: refused, not lost`, async () => {
    const path = join(folderOf({}), 'v.json');
    const video = { id: 'v', duration: 10, annotations };
    for (const write of [writeElan(path, video), writeVia(path, [video])])
      await assert.rejects(write, (error) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
  });
}

test('a character that XML cannot write is refused', async () => {
  const video = { id: 'v', duration: 10, annotations: { labels: ['a\u0001'] } };
  await assert.rejects(writeElan(join(folderOf({}), 'v.eaf'), video), /XML has no way to write/);
});
