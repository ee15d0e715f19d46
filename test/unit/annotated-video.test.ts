import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AnnotatedVideo,
  queriedExcerpts,
  readCaptions,
  readCharades,
  readVideoActions,
  videosWithActions,
} from '../../src/data/annotations/annotated-video.js';
import { readMomentQueries } from '../../src/data/annotations/moment-queries.js';
import { readAnnotations } from '../../src/data/annotations/read-detections.js';
import { cutIntoWindows, slidingWindows } from '../../src/data/annotations/sliding-windows.js';
import { openRecordings } from '../../src/data/formats/recordings.js';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { damaged } from '../support/damage.js';
import { madeFiles, refusal } from '../support/made-files.js';
import { missing, sharedData } from '../support/shared-data.js';

const file = madeFiles('annotated-');

const captions = {
  v_a: {
    duration: 10,
    timestamps: [
      [0, 4],
      [9, 6],
      [8, 10.01],
    ],
    sentences: [' One. ', 'Two.', 'Three.'],
  },
  v_b: {
    duration: 5,
    timestamps: [
      [2, 2],
      [6, 7],
    ],
    sentences: ['No length.', 'Too late.'],
  },
};

test('captions: spans in order and within the video, or not at all', async () => {
  assert.deepEqual(await readCaptions(file('captions.json', captions)), [
    {
      video: 'v_a',
      excerpt: [0, 10],
      duration: 10,
      events: [
        { text: 'One.', spans: [[0, 4]] },
        { text: 'Two.', spans: [[6, 9]] },
        { text: 'Three.', spans: [[8, 10]] },
      ],
    },
    { video: 'v_b', excerpt: [0, 5], duration: 5, events: [] },
  ]);
});

const captionFaults: [what: string, change: object, message: RegExp][] = [
  ['no duration', { duration: undefined }, /v_a: duration is missing/],
  ['a duration of 0', { duration: 0 }, /v_a: duration is 0/],
  [
    'more sentences than timestamps',
    { sentences: ['1', '2', '3', '4'] },
    /v_a: 3 timestamps have 4 sentences/,
  ],
  ['an empty sentence', { sentences: ['1', ' ', '3'] }, /v_a: sentences\[1\] is empty/],
  ['a timestamp of one number', { timestamps: [[1], [2, 3], [4, 5]] }, /v_a: timestamps\[0\]/],
];
for (const [what, change, message] of captionFaults) {
  test(`captions: refuses ${what}`, async () => {
    const path = file('captions.json', { v_a: { ...captions.v_a, ...change } });
    await assert.rejects(readCaptions(path), refusal(path, message));
  });
}

test('Charades: lines by video', async () => {
  const path = file(
    'charades.txt',
    'A 0.0 6.9##a person sits.\r\nB 3 2##a ## b\n\nA 8 12##person stands\nA 12 13##late\n',
  );
  const lengths = file('lengths.json', { A: { length: 10 }, B: { length: 4 }, C: {} });
  assert.deepEqual(await readCharades(path, lengths), [
    {
      video: 'A',
      excerpt: [0, 10],
      duration: 10,
      events: [
        { text: 'a person sits.', spans: [[0, 6.9]] },
        { text: 'person stands', spans: [[8, 10]] },
      ],
    },
    { video: 'B', excerpt: [0, 4], duration: 4, events: [{ text: 'a ## b', spans: [[2, 3]] }] },
  ]);
  for (const [line, message] of [
    ['A 0.0 6.9 a person', /line 2: not VIDEO/],
    ['A 0.0 x##a person', /line 2: not VIDEO/],
    ['A 0.0 6.9## ', /line 2: not VIDEO/],
    ['D 0.0 6.9##a person', /line 2: .* has no video D/],
  ] as const) {
    const broken = file('charades.txt', `A 0.0 6.9##a person sits.\n${line}`);
    await assert.rejects(readCharades(broken, lengths), refusal(broken, message));
  }
  const unknown = file('charades.txt', 'C 0.0 6.9##a person sits.');
  await assert.rejects(readCharades(unknown, lengths), refusal(lengths, /C: length is missing/));
});

const actions = {
  v_a: {
    duration_second: 20,
    annotations: [
      { label: 'Ballet', segment: [2, 25] },
      { label: 'Ballet', segment: [0, 0] },
    ],
  },
};

test('actions, with the length of the video in the file or beside it', async () => {
  const wanted = [
    { video: 'v_a', excerpt: [0, 20], duration: 20, events: [{ text: 'Ballet', spans: [[2, 20]] }] },
  ];
  assert.deepEqual(await readVideoActions(file('actions.json', actions)), wanted);
  const annotations = new Map([['v_a', [{ label: 'Ballet', segment: [2, 25] as const }]]]);
  assert.deepEqual(videosWithActions(annotations, new Map([['v_a', 20]])), wanted);
  assert.throws(() => videosWithActions(annotations, new Map()), OptionError);
  const path = file('actions.json', { v_a: { ...actions.v_a, annotations: [{ segment: [1, 2] }] } });
  await assert.rejects(readVideoActions(path), refusal(path, /v_a: annotations\[0\]: label is missing/));
});

test('refuses damaged and missing files', async () => {
  await assert.rejects(readCaptions(`${file('captions.json', captions)}.absent`), FileAccessError);
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  await fc.assert(
    fc.asyncProperty(damaged(encode(captions)), damaged(encode(actions)), async (first, second) => {
      const expected = (error: unknown) => assert.ok(error instanceof FileFormatError, `${error}`);
      await readCaptions(file('damaged.json', first)).catch(expected);
      await readVideoActions(file('damaged.json', second)).catch(expected);
    }),
  );
});

test('queries of recordings are excerpts with an event', () => {
  const query = { qid: 1, vid: 'r', excerpt: [5, 25] as const, duration: 20, query: 'sits', kind: '' };
  assert.deepEqual(
    queriedExcerpts([
      { ...query, windows: [[1, 2]] },
      { ...query, windows: [] },
    ]),
    [{ video: 'r', excerpt: [5, 25], duration: 20, events: [{ text: 'sits', spans: [[1, 2]] }] }],
  );
});

test('windows of one length over the whole video', () => {
  assert.deepEqual(slidingWindows(110), [
    [0, 50],
    [25, 75],
    [50, 100],
    [60, 110],
  ]);
  assert.deepEqual(slidingWindows(100), [
    [0, 50],
    [25, 75],
    [50, 100],
  ]);
  assert.deepEqual(slidingWindows(30), [[0, 30]]);
  assert.throws(() => slidingWindows(0), OptionError);
  assert.throws(() => slidingWindows(90, { length: 10, stride: 11 }), OptionError);
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 500, noNaN: true }),
      fc.double({ min: 1, max: 60, noNaN: true }),
      fc.double({ min: 0.05, max: 1, noNaN: true }),
      (duration, length, share) => {
        const windows = slidingWindows(duration, { length, stride: share * length });
        assert.equal(windows[0]![0], 0);
        assert.equal(windows.at(-1)![1], duration);
        for (const [i, [start, end]] of windows.entries()) {
          assert.ok(Math.abs(end - start - Math.min(length, duration)) < 1e-9);
          const before = windows[i - 1];
          if (before) assert.ok(start > before[0] && start <= before[1] + 1e-9);
        }
      },
    ),
  );
});

test('a window has the events that it shows at least half of, or that fill half of it', () => {
  const video: AnnotatedVideo = {
    video: 'v',
    excerpt: [0, 100],
    duration: 100,
    events: [
      { text: 'long', spans: [[30, 100]] },
      { text: 'short', spans: [[40, 60]] },
      {
        text: 'twice',
        spans: [
          [0, 4],
          [54, 58],
        ],
      },
    ],
  };
  assert.deepEqual(
    cutIntoWindows(video, { length: 50, stride: 50 }).map(({ excerpt, duration, events }) => ({
      excerpt,
      duration,
      events: events.map(({ text, spans }) => [text, ...spans.flat()]),
    })),
    [
      {
        excerpt: [0, 50],
        duration: 50,
        events: [
          ['short', 40, 50],
          ['twice', 0, 4],
        ],
      },
      {
        excerpt: [50, 100],
        duration: 50,
        events: [
          ['long', 0, 50],
          ['short', 0, 10],
          ['twice', 4, 8],
        ],
      },
    ],
  );
});

/** How many videos, events, and events that are not within their video. */
function count(videos: readonly AnnotatedVideo[]): [videos: number, events: number, wrong: number] {
  const events = videos.flatMap((video) => video.events.map((event) => ({ ...event, video })));
  const wrong = events.filter(({ text, spans, video }) =>
    [
      text === '',
      ...spans.map(([start, end]) => !(0 <= start && start < end && end <= video.duration)),
    ].includes(true),
  );
  return [videos.length, events.length, wrong.length];
}

const real = [
  'activitynet_captions/train.json',
  'charades_sta/charades_sta_train.txt',
  'activitynet13/anet_anno_action.json',
  'thumos14/gt.json',
  'hapt',
];
test('the published annotations', { skip: missing(...real) }, async () => {
  assert.deepEqual(
    count(await readCaptions(sharedData('activitynet_captions/train.json'))),
    [10_009, 37_419, 0],
  );
  const charades = await readCharades(
    sharedData('charades_sta/charades_sta_test.txt'),
    sharedData('charades_sta/charades_v1_length_actions.json'),
  );
  assert.deepEqual(count(charades), [1334, 3720, 0]);
  const activitynet = count(await readVideoActions(sharedData('activitynet13/anet_anno_action.json')));
  assert.deepEqual(activitynet, [19_228, 22_140, 0]);

  const thumos = await readAnnotations(sharedData('thumos14/gt.json'), 'test');
  const durations = new Map([...thumos.keys()].map((video) => [video, 2000]));
  const [videos, events, wrong] = count(videosWithActions(thumos, durations));
  assert.equal(videos, thumos.size);
  assert.equal(events, [...thumos.values()].flat().length);
  assert.equal(wrong, 0);

  const { byName } = await openRecordings(sharedData('hapt'));
  const queries = await readMomentQueries(sharedData('hapt/queries-validation.jsonl'), byName);
  assert.deepEqual(count(queriedExcerpts(queries)), [1000, 1000, 0]);
});
