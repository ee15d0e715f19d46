import type { Content } from './dataset-folder.js';

/** What a sample of a layout holds, told in one form. */
export interface LayoutSample {
  readonly layout: string;
  readonly files: Readonly<Record<string, Content>>;
  /** By split and video: length in seconds, then annotations in short. */
  readonly expected: Readonly<Record<string, Readonly<Record<string, readonly [number, ...string[]]>>>>;
}

const eaf = (
  tiers: string,
  slots = '<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/><TIME_SLOT TIME_SLOT_ID="ts2"/><TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="1500"/>',
) => `<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"><PROPERTY NAME="duration">4</PROPERTY></HEADER>
  <TIME_ORDER>${slots}</TIME_ORDER>
  ${tiers}
</ANNOTATION_DOCUMENT>`;

const aligned = (id: string, from: string, to: string, value: string) =>
  `<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="${id}" TIME_SLOT_REF1="${from}" TIME_SLOT_REF2="${to}"><ANNOTATION_VALUE>${value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>`;

/** A small folder of each layout, written by hand after the published files. */
export const layoutSamples: readonly LayoutSample[] = [
  {
    layout: 'tal',
    files: {
      'annotations.json': {
        classes: ['run', 'jump'],
        videos: [
          {
            id: 'a',
            split: 'train',
            duration: 10,
            fps: 25,
            segments: [{ label: 'jump', segment: [1, 2.5] }],
            captions: [{ text: 'Someone jumps.', segment: [0, 3] }],
            queries: [
              {
                id: 7,
                text: 'a jump',
                excerpt: [1, 9],
                windows: [[0, 1.5]],
                kind: 'single',
                saliency: { clips: [[0, 2]], scores: [[4], [null]] },
              },
            ],
            clipScores: { clips: [[0, 5]], scores: [[1]] },
            labels: ['jump'],
          },
          { id: 'b', split: 'val', duration: 4, segments: [] },
        ],
      },
    },
    expected: {
      train: {
        a: [
          10,
          'segment jump 1-2.5',
          'caption Someone jumps. 0-3',
          'query 7 single a jump in 1-9: 0-1.5 scores 0-2: 4 NaN',
          'scores 0-5: 1',
          'label jump',
        ],
      },
      validation: { b: [4, 'no segments'] },
    },
  },
  {
    layout: 'activitynet',
    files: {
      'activity_net.v1-3.min.json': {
        version: 'VERSION 1.3',
        database: {
          one: {
            duration: 20,
            subset: 'training',
            annotations: [
              { segment: [1, 30], label: 'Ballet' },
              { segment: ['3', '2.5'], label: 'Ballet' },
            ],
          },
          two: { duration: 5, subset: 'testing', annotations: [] },
        },
        taxonomy: [],
      },
    },
    expected: { train: { one: [20, 'segment Ballet 1-20', 'segment Ballet 2.5-3'] }, test: { two: [5] } },
  },
  {
    layout: 'activitynet-captions',
    files: {
      'train.json': { v_a: { duration: 10, timestamps: [[0, 4]], sentences: [' One. '] } },
      'val_1.json': { v_b: { duration: 10, timestamps: [[1, 4]], sentences: ['Two.'] } },
      'val_2.json': { v_b: { duration: 10, timestamps: [[2, 4]], sentences: ['Three.'] } },
    },
    expected: {
      train: { v_a: [10, 'caption One. 0-4', 'query "v_a/0" One.: 0-4'] },
      validation: { v_b: [10, 'caption Two. 1-4', 'query "v_b/0" Two.: 1-4'] },
      test: { v_b: [10, 'caption Three. 2-4', 'query "v_b/0" Three.: 2-4'] },
    },
  },
  {
    layout: 'charades-sta',
    files: {
      'charades_sta_train.txt': 'AAAAA 0.0 6.9##a person.\nAAAAA 20.0 31.0##another.\n',
      'charades_sta_test.txt': 'BBBBB 1.0 2##a third.\n',
      'charades_v1_length.csv': 'id,subject,length\nAAAAA,"x, y",30.5\nBBBBB,z,4\n',
    },
    expected: {
      train: { AAAAA: [30.5, 'query "AAAAA/0" a person.: 0-6.9', 'query "AAAAA/1" another.: 20-30.5'] },
      test: { BBBBB: [4, 'query "BBBBB/0" a third.: 1-2'] },
    },
  },
  {
    layout: 'qvhighlights',
    files: {
      'highlight_train_release.jsonl': [
        {
          qid: 3,
          query: 'a boat',
          duration: 10,
          vid: 'x_0.0_10.0',
          relevant_clip_ids: [1, 2],
          saliency_scores: [
            [1, 2, 3],
            [4, 0, 2],
          ],
          relevant_windows: [[2, 6]],
        },
      ],
      'highlight_test_release.jsonl': [{ qid: 4, query: 'a cat', duration: 10, vid: 'y_0.0_10.0' }],
    },
    expected: {
      train: { 'x_0.0_10.0': [10, 'query 3 a boat: 2-6 scores 2-4: 1 2 3, 4-6: 4 0 2'] },
      test: { 'y_0.0_10.0': [10, 'query 4 a cat: '] },
    },
  },
  {
    layout: 'tacos',
    files: {
      'train.json': {
        's1-d2.avi': { timestamps: [[25, 50]], sentences: ['He cuts.'], fps: 25, num_frames: 250 },
      },
    },
    expected: { train: { 's1-d2.avi': [10, 'query "s1-d2.avi/0" He cuts.: 1-2'] } },
  },
  {
    layout: 'didemo',
    files: {
      'val_data.json': [
        {
          annotation_id: 5,
          description: 'dog sits',
          video: 'x.mov',
          num_segments: 6,
          times: [
            [1, 1],
            [0, 1],
            [0, 1],
            [0, 1],
          ],
        },
      ],
    },
    expected: { validation: { 'x.mov': [30, 'query 5 dog sits: 0-10 5-10'] } },
  },
  {
    layout: 'rtl',
    files: {
      'annot_train.json': { v_a: { duration: 10, QA: [{ q: 'When?', a: '<1.5> <3> because' }] } },
      'annot_val_1.json': [
        { question_id: 'q1', vid: 'v_b', question: 'Why?', answer: '<2> <4>', duration: 8 },
      ],
    },
    expected: {
      train: { v_a: [10, 'query "v_a/0" When?: 1.5-3'] },
      validation: { v_b: [8, 'query "q1" Why?: 2-4'] },
    },
  },
  {
    layout: 'tvsum',
    files: {
      'tvsum_anno.json': {
        v: {
          fps: 25,
          frames: '75',
          domain: 'BK',
          title: 'Bees',
          anno: [new Array(20).fill(1), new Array(20).fill(2)],
        },
      },
      'splits.json': { BK: { val: ['v'] } },
    },
    expected: {
      validation: {
        v: [
          3,
          `query "v" Bees:  scores 0-2: ${new Array(20).fill(1).join(' ')}, 2-3: ${new Array(20).fill(2).join(' ')}`,
          `scores 0-2: ${new Array(20).fill(1).join(' ')}, 2-3: ${new Array(20).fill(2).join(' ')}`,
          'label BK',
        ],
      },
    },
  },
  {
    layout: 'youtube-highlights',
    files: {
      'youtube_anno.json': {
        v: {
          fps: 50,
          frames: '240',
          domain: 'dog',
          clip: [
            [0, 100],
            [50, 150],
            [100, 200],
            [150, 250],
          ],
          match: [1, 1, -1, 1],
        },
      },
      'splits.json': { dog: { train: ['v'] } },
    },
    expected: {
      train: {
        v: [
          4.8,
          'segment dog 0-3',
          'segment dog 3-4.8',
          'scores 0-2: 1, 1-3: 1, 2-4: -1, 3-4.8: 1',
          'label dog',
        ],
      },
    },
  },
  {
    layout: 'csv',
    files: {
      'annotations.csv':
        'video,start,end,label,query,split,duration,id\n' +
        'a,1,2.5,"jump, high",,train,10,\n' +
        'a,3,4,,"he said ""go"",\nand went",,,q1\n' +
        'a,,,sports,,,,\n' +
        'b,,,,,val,4,\n',
    },
    expected: {
      train: {
        a: [10, 'segment jump, high 1-2.5', 'query "q1" he said "go",\nand went: 3-4', 'label sports'],
      },
      validation: { b: [4, 'no segments', 'no queries'] },
    },
  },
  {
    layout: 'elan',
    files: {
      'v.eaf': eaf(
        `<TIER TIER_ID="note" PARENT_REF="action" LINGUISTIC_TYPE_REF="x"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a9" ANNOTATION_REF="a1"><ANNOTATION_VALUE>high</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
        <TIER TIER_ID="action" LINGUISTIC_TYPE_REF="x">${aligned('a1', 'ts1', 'ts2', 'jump &amp; run')}</TIER>
        <TIER TIER_ID="Captions" LINGUISTIC_TYPE_REF="x">${aligned('a2', 'ts2', 'ts3', '<![CDATA[a < b]]>')}</TIER>
        <TIER TIER_ID="queries" LINGUISTIC_TYPE_REF="x">${aligned('a3', 'ts1', 'ts3', 'a jump')}</TIER>`,
      ),
    },
    expected: {
      all: {
        v: [
          4,
          'segment high 0.5-1',
          'segment jump & run 0.5-1',
          'caption a < b 1-1.5',
          'query "v/0" a jump: 0.5-1.5',
        ],
      },
    },
  },
  {
    layout: 'via',
    files: {
      'project.json': {
        project: { pname: 'p', vid_list: ['1'], data_format_version: '3.1.1' },
        config: {},
        attribute: {
          1: {
            aname: 'TEMPORAL-SEGMENTS',
            anchor_id: 'FILE1_Z2_XY0',
            type: 4,
            options: { 0: 'jump', 1: 'run' },
          },
          2: { aname: 'query', anchor_id: 'FILE1_Z2_XY0', type: 1, options: {} },
        },
        file: { 1: { fid: '1', fname: 'clips/v.mp4', type: 4, loc: 1, src: 'clips/v.mp4', duration: 4 } },
        view: { 1: { fid_list: ['1'] } },
        metadata: {
          '1_a': { vid: '1', flg: 0, z: [1, 2], xy: [], av: { 1: '0' } },
          '1_b': { vid: '1', flg: 0, z: [0, 3.5], xy: [], av: { 1: '0,1', 2: 'a jump' } },
          '1_c': { vid: '1', flg: 0, z: [1], xy: [2, 1, 1, 5, 5], av: {} },
        },
      },
    },
    expected: {
      all: {
        v: [4, 'segment jump 1-2', 'segment jump 0-3.5', 'segment run 0-3.5', 'query "v/0" a jump: 0-3.5'],
      },
    },
  },
];
