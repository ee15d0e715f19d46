/** Good folders have no fault; each of the broken ones has the one that was made, and no other. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, test } from 'node:test';
import { zipSync } from 'fflate';
import { writeNpy } from '../../src/data/formats/npy.js';
import { encodeWordVectors, WordVectors } from '../../src/data/text/words.js';
import { type CheckDatasetOptions, checkDataset } from '../../src/datasets/check/check-dataset.js';
import { wrongLength } from '../../src/datasets/check/feature-length.js';
import type { FaultKind } from '../../src/datasets/fault.js';
import { FileAccessError, OptionError } from '../../src/errors.js';
import { type Content, madeFolders } from '../support/dataset-folder.js';
import { hdf5Bytes } from '../support/hdf5.js';
import { missing, sharedData } from '../support/shared-data.js';

const makeFolder = madeFolders('check-dataset');

const rows = (steps: number, channels = 2) => ({
  shape: [steps, channels],
  data: new Float32Array(steps * channels).fill(0.5),
});
const npy = (steps: number, channels = 2, change?: (data: Float32Array) => void) => {
  const { shape, data } = rows(steps, channels);
  change?.(data);
  return writeNpy({ dtype: 'f32', shape, data });
};

/** Videos of 64 s in two splits, with features of 100 rows, 16 frames at 25 a second each. */
const segment = (label: string, start: number, end: number) => ({ label, segment: [start, end] });
const video = (id: string, split: string) => ({
  id,
  split,
  duration: 64,
  segments: [segment('jump', 1, 2), segment('run', 3, 9)],
  queries: [{ id: `q-${id}`, text: 'a man jumps', windows: [[1, 2]] }],
});
interface Files {
  [path: string]: Content;
}
interface Annotated extends Record<string, unknown> {
  videos: ReturnType<typeof video>[];
}
const good = (): {
  files: Files;
  annotations: Annotated;
  dataset: { features: Record<string, unknown> };
} => ({
  files: Object.fromEntries(['a', 'b', 'c', 'd'].map((id) => [`features/${id}.npy`, npy(100)])),
  annotations: {
    videos: [video('a', 'train'), video('b', 'train'), video('c', 'validation'), video('d', 'validation')],
  },
  dataset: {
    features: {
      parts: [{ file: 'features/{id}.npy' }],
      timing: { strideFrames: 16, windowFrames: 16, fps: 25 },
    },
  },
});
const write = ({ files, annotations, dataset }: ReturnType<typeof good>): string =>
  makeFolder({ ...files, 'annotations.json': annotations, 'dataset.json': dataset });

const vectors = await mkdtemp(join(tmpdir(), 'check-words-'));
after(() => rm(vectors, { recursive: true }));
const words = join(vectors, 'words.safetensors');
await writeFile(
  words,
  encodeWordVectors(new WordVectors(['a', 'man', 'jumps'], new Float32Array(6).fill(1)), 'a test'),
);

/** Priors of videos, an event each. */
const priorsOf = (ids: readonly string[], end = 2, text = 'a man jumps') =>
  Object.fromEntries(ids.map((id) => [id, { events: [{ text, start: 1, end }], captions: [] }]));

/** What is broken, the fault that it has, and what its message says. */
type Broken = readonly [
  what: string,
  change: (made: ReturnType<typeof good>) => void,
  kind: FaultKind,
  message: RegExp,
];
const broken: readonly Broken[] = [
  [
    'features are missing',
    ({ files }) => delete files['features/b.npy'],
    'missing-features',
    /^b: .*features\/\{id\}\.npy/,
  ],
  ['features are left over', ({ files }) => (files['features/x.npy'] = npy(100)), 'extra-features', /^x: /],
  [
    'features hold NaN',
    ({ files }) => (files['features/c.npy'] = npy(100, 2, (data) => (data[7] = NaN))),
    'not-finite',
    /^c: .*holds NaN in row 3, column 1/,
  ],
  [
    'features hold infinity',
    ({ files }) => (files['features/c.npy'] = npy(100, 2, (data) => (data[0] = -Infinity))),
    'not-finite',
    /^c: .*holds -Infinity in row 0/,
  ],
  [
    'features are twice as many',
    ({ files }) => (files['features/d.npy'] = npy(200)),
    'feature-shape',
    /^d: 200 rows.*factor of 2\.00; a stride of 8 frames at 25 a second/,
  ],
  [
    'features are a quarter',
    ({ files }) => (files['features/d.npy'] = npy(25)),
    'feature-shape',
    /^d: 25 rows.*factor of 0\.25; a stride of 64 frames at 25/,
  ],
  [
    'features are of other channels',
    ({ files }) => (files['features/a.npy'] = npy(100, 3)),
    'feature-shape',
    /^a: .*3 channels, those of 3 others 2/,
  ],
  [
    'features are cut',
    ({ files }) => (files['features/a.npy'] = npy(100).slice(0, 300)),
    'file',
    /^a: .*a\.npy/,
  ],
  [
    'features are no array',
    ({ files }) => (files['features/a.npy'] = 'no array'),
    'file',
    /^a: .*not a \.npy/,
  ],
  [
    'the folder of features is missing',
    ({ files }) => {
      for (const path of Object.keys(files)) delete files[path];
    },
    'file',
    /features/,
  ],
  [
    'a segment ends after the video',
    ({ annotations: { videos } }) => videos[0]!.segments.push(segment('run', 60, 70)),
    'entry',
    /\(a\): .*\[60, 70\], not within 64/,
  ],
  [
    'a segment ends before it begins',
    ({ annotations: { videos } }) => videos[1]!.segments.push(segment('run', 9, 3)),
    'entry',
    /\(b\): .*starts at 9, after its end at 3/,
  ],
  [
    'a segment is there twice',
    ({ annotations: { videos } }) => videos[2]!.segments.push(segment('run', 3, 9)),
    'duplicate',
    /^c: the segment run \[3, 9\]/,
  ],
  [
    'a query is blank',
    ({ annotations: { videos } }) => (videos[2]!.queries[0]!.text = ' '),
    'entry',
    /\(c\): .*text is " "/,
  ],
  [
    'a query has no words',
    ({ annotations: { videos } }) => (videos[2]!.queries[0]!.text = '?!'),
    'query',
    /^c: the query q-c/,
  ],
  [
    'a word has no vector',
    ({ annotations: { videos } }) => (videos[3]!.queries[0]!.text = 'a man sings'),
    'words',
    /^d: the word "sings" of query q-d/,
  ],
  [
    'a class is in one split only',
    ({ annotations: { videos } }) => videos[0]!.segments.push(segment('fall', 20, 30)),
    'class',
    /fall is in train only, first in a/,
  ],
  [
    'a video is in two splits',
    ({ annotations: { videos } }) => videos.push(video('a', 'validation')),
    'duplicate',
    /^a: the video is in train and in validation/,
  ],
  [
    'a video is in a split twice',
    ({ annotations: { videos } }) => videos.push({ ...video('a', 'train'), queries: [] }),
    'duplicate',
    /"a" is in the split train twice/,
  ],
  [
    'a query is there twice',
    ({ annotations: { videos } }) => (videos[1]!.queries[0]!.id = 'q-a'),
    'duplicate',
    /"q-a" is in the split train twice/,
  ],
  [
    'a label is no class',
    ({ annotations }) =>
      Object.assign(annotations, { classes: ['jump', 'run'] }).videos[0]!.segments.push(
        segment('fly', 20, 30),
      ),
    'class',
    /fly/,
  ],
  [
    'priors tell of no video',
    ({ files }) => (files['priors.json'] = priorsOf(['a', 'b', 'x'])),
    'priors',
    /^x: .*priors\.json tells of it, but it is no video/,
  ],
  [
    'priors lack a video',
    ({ files }) => (files['priors.json'] = priorsOf(['a'])),
    'priors',
    /^b: .*priors\.json does not tell of it/,
  ],
  [
    'priors leave the video',
    ({ files }) => (files['priors.json'] = { ...priorsOf(['a', 'b']), ...priorsOf(['c'], 70) }),
    'priors',
    /^c: .*"a man jumps" is from 1 to 70 s, but the video ends at 64/,
  ],
  [
    'no word of a prior has a vector',
    ({ files }) => (files['priors.json'] = { ...priorsOf(['a', 'b']), ...priorsOf(['c'], 2, 'he swims') }),
    'priors',
    /^c: .*no word of "he swims" has a vector/,
  ],
  [
    'priors are not as they should be',
    ({ files }) => (files['priors.json'] = { a: { events: [] } }),
    'file',
    /priors\.json: a: captions is missing/,
  ],
  [
    'annotations are no JSON',
    ({ annotations }) => Object.assign(annotations, { videos: 'none' }),
    'file',
    /annotations\.json/,
  ],
];

test('a good folder has no fault, whatever the form of its features', async () => {
  const made = good();
  made.files['priors.json'] = priorsOf(['a', 'b', 'd']);
  const report = await checkDataset(write(made), { words });
  assert.deepEqual(report.faults, []);
  assert.deepEqual(report.features, { videos: 4, rows: 400, channels: { 2: 4 } });
  assert.deepEqual(report.summary.classes, [
    { label: 'jump', bySplit: { train: 2, validation: 2 } },
    { label: 'run', bySplit: { train: 2, validation: 2 } },
  ]);
  assert.deepEqual(report.summary.splits[0]!.segments, {
    count: 4,
    total: 14,
    least: 1,
    median: 3.5,
    most: 6,
  });
  const ids = ['a', 'b', 'c', 'd'];
  for (const [part, files] of [
    [
      { file: 'all.h5', array: 'v_{id}/x' },
      { 'all.h5': await hdf5Bytes(Object.fromEntries(ids.map((id) => [`v_${id}/x`, rows(100)]))) },
    ],
    [
      { file: 'all.npz', array: '{id}' },
      { 'all.npz': zipSync(Object.fromEntries(ids.map((id) => [`${id}.npy`, npy(100)]))) },
    ],
  ] as const) {
    const other = { ...good(), files: files as unknown as Files };
    other.dataset.features.parts = [part];
    const { faults, features } = await checkDataset(write(other), { words });
    assert.deepEqual([faults, features?.rows], [[], 400]);
  }
});

describe('each fault is told with its name, and no other', () => {
  for (const [what, change, kind, message] of broken) {
    it(what, async () => {
      const made = good();
      change(made);
      const { faults } = await checkDataset(write(made), { words });
      assert.equal(faults.length, 1, JSON.stringify(faults, null, 1));
      assert.equal(faults[0]!.kind, kind);
      assert.match(faults[0]!.message, message);
    });
  }
});

test('progress is told of each video, and the check can be ended', async () => {
  const folder = write(good());
  const seen: [number, number][] = [];
  await checkDataset(folder, { onProgress: (done, videos) => void seen.push([done, videos]) });
  assert.deepEqual(
    seen,
    [1, 2, 3, 4].map((done) => [done, 4]),
  );
  const stop = new AbortController();
  const options: CheckDatasetOptions = {
    signal: stop.signal,
    onProgress: (done) => done === 2 && stop.abort(new Error('enough')),
  };
  await assert.rejects(checkDataset(folder, options), /^Error: enough$/);
  await assert.rejects(checkDataset(makeFolder({ 'x.txt': '' })), OptionError);
  await assert.rejects(checkDataset(join(folder, 'none')), FileAccessError);
});

test('the stride that would fit is named', () => {
  const at = (steps: number, duration: number, stride: number, window = stride) =>
    wrongLength(steps, duration, { stride, window });
  assert.equal(at(75, 150, 2), undefined);
  // The last window complete, or cut.
  assert.equal(at(98, 64, 0.64, 2.56), undefined);
  assert.equal(at(100, 64, 0.64, 2.56), undefined);
  assert.deepEqual(at(150, 150, 2), { factor: 2, usual: '1 s' });
  assert.deepEqual(at(281, 150, 0.64), { factor: (281 * 0.64) / 150, usual: '16 frames at 30 a second' });
  assert.equal(at(3, 1000, 2)!.usual, undefined);
});

/** Their own faults, all of them spans: clips of YouTube Highlights end a little after their videos. */
describe('public data sets', () => {
  const counts = (faults: readonly { kind: FaultKind }[]) => {
    const of: Partial<Record<FaultKind, number>> = {};
    for (const { kind } of faults) of[kind] = (of[kind] ?? 0) + 1;
    return of;
  };
  const cases: readonly [name: string, found: Partial<Record<FaultKind, number>>][] = [
    ['youtube_highlights', { span: 20 }],
    ['tvsum', {}],
    ['hapt', {}],
  ];
  for (const [name, found] of cases) {
    it(name, { skip: missing(name) }, async () => {
      const { faults } = await checkDataset(sharedData(name));
      assert.deepEqual(counts(faults), found);
    });
  }
});
