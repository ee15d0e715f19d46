import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { datasetLayouts, openDataset } from '../../src/datasets/open-dataset.js';
import type { ClipScores, VideoItem } from '../../src/datasets/video-dataset.js';
import { FileFormatError, TalError } from '../../src/errors.js';
import type { Segment } from '../../src/time/segment.js';
import { damaged } from '../support/damage.js';
import { type Content, contentOf, madeFolders } from '../support/dataset-folder.js';
import { type LayoutSample, layoutSamples } from '../support/layout-samples.js';
import { missing, sharedData } from '../support/shared-data.js';

const folderOf = madeFolders('layouts');

/** Layouts that other test files have samples of: recordings and arrays of NumPy. */
const sampledElsewhere = ['hapt', 'co2net'];

const span = ([start, end]: Segment) => `${start}-${end}`;
const scoresOf = ({ clips, scores }: ClipScores) =>
  `scores ${clips.map((clip, i) => `${span(clip)}: ${scores.map((row) => row[i]).join(' ')}`).join(', ')}`;

/** An item in the form of `LayoutSample.expected`. */
function told({ duration, annotations }: VideoItem): (number | string)[] {
  const { segments, captions, queries, clipScores, labels } = annotations;
  const all = <T>(name: string, list: readonly T[] | undefined, tell: (one: T) => string) =>
    list?.length === 0 ? [`no ${name}`] : (list ?? []).map(tell);
  return [
    duration,
    ...all('segments', segments, ({ label, segment }) => `segment ${label} ${span(segment)}`),
    ...all('captions', captions, ({ text, segment }) => `caption ${text} ${span(segment)}`),
    ...all('queries', queries, ({ id, kind, text, excerpt, windows, saliency }) =>
      [
        `query ${JSON.stringify(id)}${kind && ` ${kind}`} ${text}`,
        ...(excerpt[0] === 0 && excerpt[1] === duration ? [] : [` in ${span(excerpt)}`]),
        `: ${windows.map(span).join(' ')}`,
        ...(saliency ? [` ${scoresOf(saliency)}`] : []),
      ].join(''),
    ),
    ...(clipScores ? [scoresOf(clipScores)] : []),
    ...(labels ?? []).map((label) => `label ${label}`),
  ];
}

async function allTold(folder: string) {
  const dataset = await openDataset(folder);
  return Object.fromEntries(
    dataset.splits.map((split) => [
      split,
      Object.fromEntries(dataset.items(split).map((item) => [item.id, told(item)])),
    ]),
  );
}

test('every layout has a sample', () => {
  const sampled = [...layoutSamples.map(({ layout }) => layout), ...sampledElsewhere];
  assert.deepEqual(
    datasetLayouts.filter((name) => !sampled.includes(name)),
    [],
  );
});

for (const { layout, files, expected } of layoutSamples) {
  test(`${layout}: as it is distributed`, async () => {
    assert.deepEqual(await allTold(folderOf(files)), expected);
  });

  test(`${layout}: damaged files are refused, or read, and nothing else happens`, async () => {
    const folder = folderOf(files);
    for (const [name, content] of Object.entries(files)) {
      const bytes = new Uint8Array(Buffer.from(contentOf(name, content)));
      await fc.assert(
        fc.asyncProperty(damaged(bytes), async (broken) => {
          writeFileSync(join(folder, name), broken);
          for (const options of [{}, { onFault: () => {} }]) {
            try {
              await openDataset(folder, options);
            } catch (error) {
              assert.ok(error instanceof TalError, String(error));
            }
          }
        }),
        { numRuns: 60 },
      );
      writeFileSync(join(folder, name), bytes);
    }
  });
}

const sampleOf = (layout: string): LayoutSample => layoutSamples.find((sample) => sample.layout === layout)!;

/** A change of a file of a sample, and what is said of it. */
const faults: [layout: string, file: string, change: (content: string) => string, message: RegExp][] = [
  [
    'tal',
    'annotations.json',
    (json) => json.replace('[1,2.5]', '[1,12.5]'),
    /videos\[0\].*segments\[0\]: segment is \[1, 12\.5\], not within 10 s/,
  ],
  [
    'tal',
    'annotations.json',
    (json) => json.replace('"kind"', '"kinds"'),
    /queries\[0\]: unknown field kinds, did you mean kind/,
  ],
  [
    'tal',
    'annotations.json',
    (json) => json.replace('[null]', '[null,1]'),
    /saliency: scores\[1\] is not an array of 1/,
  ],
  [
    'tal',
    'annotations.json',
    (json) => json.replace('"label":"jump"', '"label":"jmp"'),
    /label "jmp" is none of the classes/,
  ],
  [
    'tal',
    'annotations.json',
    (json) => json.replace('"id":"b","split":"val"', '"id":"a","split":"train"'),
    /video "a" is in the split train twice/,
  ],
  [
    'activitynet',
    'activity_net.v1-3.min.json',
    (json) => json.replace('"Ballet"', '3'),
    /one: annotations\[0\]: label is 3/,
  ],
  [
    'activitynet-captions',
    'train.json',
    (json) => json.replace('[[0,4]]', '[[0,4],[1,2]]'),
    /v_a: 2 timestamps have 1 sentences/,
  ],
  [
    'charades-sta',
    'charades_sta_train.txt',
    (lines) => lines.replace('##another', '#another'),
    /line 2: not VIDEO START END##SENTENCE/,
  ],
  [
    'charades-sta',
    'charades_v1_length.csv',
    (table) => table.replace('30.5', 'long'),
    /line 2: length is "long", not a finite number/,
  ],
  [
    'charades-sta',
    'charades_v1_length.csv',
    (table) => table.replace('AAAAA', 'CCCCC'),
    /length of the video "AAAAA" is not known: charades_v1_length\.csv lacks it/,
  ],
  [
    'qvhighlights',
    'highlight_train_release.jsonl',
    (lines) => lines.replace('[1,2],', '[1,5],'),
    /line 1: relevant_clip_ids\[1\] is 5, of 5 clips/,
  ],
  ['tacos', 'train.json', (json) => json.replace('"fps":25', '"fps":0'), /s1-d2\.avi: fps is 0/],
  [
    'didemo',
    'val_data.json',
    (json) => json.replace('[1,1]', '[1,6]'),
    /\[0\]: times\[0\] is \[1, 6\], not chunks from 0 to 5/,
  ],
  [
    'rtl',
    'annot_val_1.json',
    (json) => json.replace('<2> <4>', 'never'),
    /\[0\]: answer "never" has fewer than two times/,
  ],
  [
    'tvsum',
    'tvsum_anno.json',
    (json) => json.replace('"75"', '"many"'),
    /v: frames is "many", not a finite number/,
  ],
  [
    'youtube-highlights',
    'youtube_anno.json',
    (json) => json.replace('[1,1,-1,1]', '[1,1,-1]'),
    /v: match is .*not an array of 4 finite numbers/,
  ],
  [
    'csv',
    'annotations.csv',
    (table) => table.replace('1,2.5', '3,2.5'),
    /line 2: start is 3, after end, which is 2\.5/,
  ],
  ['csv', 'annotations.csv', (table) => table.replace('label,', 'name,'), /line 1: the columns are/],
  [
    'csv',
    'annotations.csv',
    (table) => table.replace('a,1,2.5', 'a,1,2.5,5'),
    /line 2: .*[Ii]nvalid Record Length/,
  ],
  [
    'elan',
    'v.eaf',
    (xml) => xml.replace('REF2="ts3"', 'REF2="ts8"'),
    /line \d+: TIME_SLOT_REF2 is ts8, which is no time slot/,
  ],
  ['elan', 'v.eaf', (xml) => xml.replace('milliseconds', 'PAL-frames'), /TIME_UNITS is "PAL-frames"/],
  ['elan', 'v.eaf', (xml) => xml.replace('</TIER>', ''), /v\.eaf, line \d+: /],
  [
    'elan',
    'v.eaf',
    (xml) => xml.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a9"'),
    /which is no annotation with times/,
  ],
  ['via', 'project.json', (json) => json.replace('[1,2]', '[2,1]'), /1_a: z starts at 2, after its end at 1/],
  [
    'via',
    'project.json',
    (json) => json.replace('"vid":"1"', '"vid":"2"'),
    /1_a: vid is "2", which is no view/,
  ],
];
for (const [layout, file, change, message] of faults) {
  test(`${layout}: ${message.source}`, async () => {
    const { files } = sampleOf(layout);
    const before = String(contentOf(file, files[file]!));
    const after = change(before);
    assert.notEqual(after, before);
    const folder = folderOf({ ...files, [file]: after });
    await assert.rejects(openDataset(folder), (error) => {
      assert.ok(error instanceof FileFormatError, String(error));
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(folder) || error.message.includes(file), error.message);
      return true;
    });
  });
}

test('entities of a document type are not expanded', async () => {
  const { files } = sampleOf('elan');
  const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>';
  for (const entity of ['a', 'b']) {
    const xml = String(files['v.eaf']).replace('?>', `?>${bomb}`).replace('jump &amp; run', `&${entity};`);
    await assert.rejects(openDataset(folderOf({ 'v.eaf': xml })), /line \d+: .*undefined entity/);
  }
});

test('faults are told where that is wanted, and the rest is read', async () => {
  const { files } = sampleOf('csv');
  const table = `${files['annotations.csv']}c,1,x,run,,train,5,\nc,1,9,run,,train,5,\nd,1,2,run,,train,,\n`;
  const found: [string, string | undefined][] = [];
  const dataset = await openDataset(folderOf({ 'annotations.csv': table }), {
    onFault: ({ kind, video, message }) => {
      assert.match(message, /annotations\.csv, line \d+/);
      found.push([kind, video]);
    },
  });
  assert.deepEqual(found, [
    ['entry', undefined],
    ['span', 'c'],
    ['entry', 'd'],
  ]);
  assert.deepEqual(told(dataset.items('train').at(-1)!), [5, 'segment run 1-5', 'no queries']);
});

const looksLike: [what: string, files: Readonly<Record<string, Content>>, message: RegExp][] = [
  [
    'two layouts',
    { 'annotations.csv': 'video,start,end,label\na,1,2,b\n', 'charades_sta_test.txt': '' },
    /looks like charades-sta and like csv/,
  ],
  ['a file of another kind under a known name', { 'train.json': [1] }, /looks like none of/],
];
for (const [what, files, message] of looksLike) {
  test(`a folder with ${what}`, () => assert.rejects(openDataset(folderOf(files)), message));
}

test('YouTube Highlights: rows of features have the times of the clips', {
  skip: missing('youtube_highlights'),
}, async () => {
  const dataset = await openDataset(sharedData('youtube_highlights'));
  assert.deepEqual(dataset.splits, ['train', 'validation']);
  assert.equal(dataset.items('dog/train').length, 40);
  assert.equal(dataset.items('dog/validation').length, 9);
  const annotated = JSON.parse(
    readFileSync(sharedData('youtube_highlights/youtube_anno.json'), 'utf8'),
  ) as Record<string, { clip: number[][]; fps: number }>;
  for (const item of dataset.items('surfing/train').slice(0, 5)) {
    const { steps, channels, stride, window } = await item.features!();
    const { clip, fps } = annotated[item.id]!;
    assert.deepEqual([steps, channels], [clip.length, 2048]);
    // Clips begin where they are said to, give or take half a clip.
    for (const [i, [start, end]] of clip.entries()) {
      assert.ok(Math.abs(i * stride - start! / fps) < 50 / fps, `${item.id}: clip ${i}`);
      assert.ok(Math.abs(i * stride + window - end! / fps) < 100 / fps, `${item.id}: clip ${i}`);
    }
  }
  await dataset.close();
});

test('TVSum: features of videos and of titles', { skip: missing('tvsum') }, async () => {
  const dataset = await openDataset(sharedData('tvsum'));
  const [item] = dataset.items('BK/val');
  const { steps, channels, stride } = await item!.features!();
  assert.deepEqual([steps, channels, stride], [item!.annotations.clipScores!.clips.length, 2048, 2]);
  const words = await item!.annotations.queries![0]!.features!();
  assert.equal(words.channels, 512);
  await dataset.close();
});
