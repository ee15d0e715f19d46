import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readMomentPredictions } from '../../src/data/annotations/moments-jsonl.js';
import { readJsonLines } from '../../src/data/formats/json-record.js';
import { FileAccessError, FileFormatError } from '../../src/errors.js';
import { evaluateHighlights } from '../../src/evaluation/highlights.js';
import { evaluateMoments } from '../../src/evaluation/moments.js';
import { missing, sharedData } from '../support/shared-data.js';

const folder = mkdtempSync(join(tmpdir(), 'moments-'));
after(() => rmSync(folder, { recursive: true }));
const predictions = join(folder, 'predictions.jsonl');
const truths = join(folder, 'truths.jsonl');

const found = { qid: 1, pred_relevant_windows: [[0, 4, 0.9]], pred_saliency_scores: [0.5, 0.1, 0.2] };
const known = {
  qid: 1,
  duration: 7,
  relevant_windows: [[2, 6]],
  relevant_clip_ids: [1, 2],
  saliency_scores: [
    [1, 4, 2],
    [0, 3, 3],
  ],
};

const lines = (...records: (object | string)[]): string =>
  records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n');

function read(predicted: string, true_: string) {
  writeFileSync(predictions, predicted);
  writeFileSync(truths, true_);
  return readMomentPredictions(predictions, truths);
}

test('joins the two by query, whatever the order; clips that are not relevant have 0', async () => {
  const other = { ...known, qid: 'b' };
  const records = await read(
    lines({ ...found, qid: 'b', pred_relevant_windows: [] }, found),
    lines(known, other),
  );
  const highlights = {
    predicted: [0.5, 0.1, 0.2],
    judged: [
      [0, 0, 0],
      [1, 4, 2],
      [0, 3, 3],
    ],
  };
  assert.deepEqual(records, [
    { qid: 1, predicted: [{ segment: [0, 4], score: 0.9 }], truths: [[2, 6]], highlights },
    { qid: 'b', predicted: [], truths: [[2, 6]], highlights },
  ]);
});

test('highlights are left out where one of the files has none', async () => {
  const { pred_saliency_scores: _, ...windowsOnly } = found;
  const { saliency_scores: __, ...spansOnly } = known;
  assert.equal((await read(lines(windowsOnly), lines(known)))[0]!.highlights, undefined);
  assert.equal((await read(lines(found), lines(spansOnly)))[0]!.highlights, undefined);
});

const badPredictions: [what: string, line: object | string, message: RegExp][] = [
  ['a line that is not JSON', 'windows', /predictions\.jsonl, line 1: not JSON/],
  ['NaN', JSON.stringify(found).replace('0.9', 'NaN'), /predictions\.jsonl, line 1: not JSON/],
  ['infinity', JSON.stringify(found).replace('0.9', '1e999'), /line 1: pred_relevant_windows\[0\]/],
  ['a missing qid', { ...found, qid: undefined }, /line 1: qid is missing/],
  ['an unknown qid', { ...found, qid: 2 }, /predictions\.jsonl, line 1: qid 2 is not in .*truths/],
  ['a qid of another type', { ...found, qid: '1' }, /qid "1" is not in/],
  ['no windows', { ...found, pred_relevant_windows: undefined }, /pred_relevant_windows is missing/],
  ['a window without a score', { ...found, pred_relevant_windows: [[0, 4]] }, /pred_relevant_windows\[0\]/],
  ['a window that ends before it starts', { ...found, pred_relevant_windows: [[5, 4, 1]] }, /after its end/],
  ['a text among the scores', { ...found, pred_saliency_scores: ['high'] }, /pred_saliency_scores/],
  ['no scores', { ...found, pred_saliency_scores: [] }, /pred_saliency_scores is empty/],
];
for (const [what, line, message] of badPredictions) {
  test(`refuses predictions with ${what}`, async () => {
    await assert.rejects(
      read(lines(line), lines(known)),
      (error) => error instanceof FileFormatError && message.test(error.message),
    );
  });
}

const badTruths: [what: string, record: object, message: RegExp][] = [
  [
    'a window that ends before it starts',
    { ...known, relevant_windows: [[6, 2]] },
    /line 1: relevant_windows\[0\]/,
  ],
  ['no window', { ...known, relevant_windows: [] }, /relevant_windows is empty/],
  [
    'a clip beyond the video',
    { ...known, relevant_clip_ids: [1, 3] },
    /relevant_clip_ids\[1\] is 3, of 3 clips/,
  ],
  ['scores of too few clips', { ...known, relevant_clip_ids: [1] }, /1 relevant_clip_ids have 2/],
  ['an annotator missing', { ...known, saliency_scores: [[1, 4, 2], [1]] }, /saliency_scores\[1\]/],
  ['no duration', { ...known, duration: undefined }, /duration is missing/],
];
for (const [what, record, message] of badTruths) {
  test(`refuses truths with ${what}`, async () => {
    await assert.rejects(
      read(lines(found), lines(record)),
      (error) => error instanceof FileFormatError && message.test(error.message),
    );
  });
}

test('refuses queries that are there twice, have no prediction, or are none', async () => {
  await assert.rejects(
    read(lines(found, '', found), lines(known)),
    /line 3: qid 1 occurs twice, first in .*line 1/,
  );
  await assert.rejects(
    read(lines(found), lines(known, { ...known, qid: 2 })),
    /truths.*line 2: qid 2 has no/,
  );
  await assert.rejects(read('\n', lines(known)), /holds no query/);
  await assert.rejects(readMomentPredictions(join(folder, 'absent'), truths), FileAccessError);
});

const annotations = 'qvhighlights/highlight_val_release.jsonl';
test('QVHighlights as NumPy and scikit-learn evaluate it', { skip: missing(annotations) }, async () => {
  // True windows that end too soon, with scores that repeat; the sum of the annotators' scores for each clip.
  const made = (await readJsonLines(sharedData(annotations))).map((line) => {
    const [qid, duration] = [line.integer('qid', 0), line.number('duration')];
    const windows = line
      .spans('relevant_windows')
      .map(([start, end], i) => [start, end - ((end - start) * ((qid + i) % 4)) / 8, (i * 7 + qid) % 5]);
    const clips = new Array<number>(duration / 2).fill(0);
    const scores = line.rows('saliency_scores', 3);
    for (const [i, clip] of line.numbers('relevant_clip_ids').entries()) {
      clips[clip] = scores[i]!.reduce((sum, score) => sum + score, 0);
    }
    return { qid, pred_relevant_windows: [...windows, [0, duration, 2]], pred_saliency_scores: clips };
  });
  writeFileSync(predictions, lines(...made));
  const queries = await readMomentPredictions(predictions, sharedData(annotations));
  const metrics = { ...evaluateMoments(queries), ...evaluateHighlights(queries.map((q) => q.highlights!)) };
  const wanted: Record<string, number> = {
    'R1@0.5': 100,
    'R1@0.7': 75.03225806451613,
    'R5@0.5': 100,
    'R5@0.7': 84.7741935483871,
    mIoU: 81.08870967741936,
    mAP: 56.09204163331005,
    'mAP@0.5': 84.99393249592487,
    'mAP@0.75': 61.8586561140285,
    'mAP-short': 46.75665218267682,
    'mAP-middle': 50.01613839544874,
    'mAP-long': 55.79950638792099,
    'HL-mAP-Fair': 97.1415023940385,
    'HL-Hit1-Fair': 100,
    'HL-mAP-Good': 88.26882674072665,
    'HL-Hit1-Good': 99.87096774193547,
    'HL-mAP-VeryGood': 60.80759404508537,
    'HL-Hit1-VeryGood': 95.6774193548387,
  };
  assert.deepEqual(Object.keys(metrics), Object.keys(wanted));
  for (const [name, value] of Object.entries(metrics)) {
    assert.ok(Math.abs(value! - wanted[name]!) < 1e-9, `${name}: ${value}, not ${wanted[name]}`);
  }
});
