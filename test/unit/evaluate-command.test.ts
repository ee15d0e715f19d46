import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assertRefused } from '../support/refused.js';
import { tal } from '../support/tal.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-evaluate-'));
after(() => rmSync(folder, { recursive: true }));

const save = (name: string, content: unknown): string => {
  const text = Array.isArray(content) ? content.map((line) => JSON.stringify(line)).join('\n') : content;
  writeFileSync(join(folder, name), typeof text === 'string' ? text : JSON.stringify(text));
  return name;
};

const evaluate = (...args: string[]) => tal(['evaluate', ...args], folder);

/** The metrics of a file, to nine decimals. */
const read = (name: string) =>
  JSON.parse(readFileSync(join(folder, name), 'utf8'), (_, value) =>
    typeof value === 'number' ? Number(value.toFixed(9)) : value,
  );

describe('tal evaluate moments', () => {
  const predictions = save('found.jsonl', [
    { qid: 1, pred_relevant_windows: [[0, 10, 0.9]], pred_saliency_scores: [0.1, 0.9] },
    { qid: 2, pred_relevant_windows: [[0, 10, 0.9]], pred_saliency_scores: [0.9, 0.1] },
  ]);
  const clips = { relevant_clip_ids: [1], saliency_scores: [[4, 4, 4]], duration: 4 };
  const truths = save('true.jsonl', [
    { qid: 1, relevant_windows: [[0, 10]], ...clips },
    { qid: 2, relevant_windows: [[0, 20]], ...clips },
  ]);
  const files = ['--predictions', predictions, '--ground-truth', truths];

  it('prints the metrics and writes them', async () => {
    const result = await evaluate('moments', ...files, '--json', 'moments.json');
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /2 queries[\s\S]*R1@0\.7 +50\.00[\s\S]*mAP-long +none/);
    assert.deepEqual(read('moments.json'), {
      'R1@0.5': 100,
      'R1@0.7': 50,
      'R5@0.5': 100,
      'R5@0.7': 50,
      mIoU: 75,
      mAP: 55,
      'mAP@0.5': 100,
      'mAP@0.75': 50,
      'mAP-short': 100,
      'mAP-middle': 10,
      'mAP-long': null,
      ...Object.fromEntries(
        ['Fair', 'Good', 'VeryGood'].flatMap((level) => [
          [`HL-mAP-${level}`, 75],
          [`HL-Hit1-${level}`, 50],
        ]),
      ),
    });
  });

  it('--rule strict', async () => {
    const result = await evaluate('moments', ...files, '--rule', 'strict', '--json', 'strict.json');
    assert.equal(result.status, 0, result.stderr);
    assert.equal(read('strict.json')['R1@0.5'], 50);
    assert.match((await evaluate('moments', ...files, '--rule', 'loose')).stderr, /at-least, strict/);
  });

  it('refuses what it cannot read or write', async () => {
    const broken = save('broken.jsonl', '{"qid": 1, "pred_relevant_windows": [[3, 2, 1]]}');
    assertRefused(
      await evaluate('moments', '--predictions', broken, '--ground-truth', truths),
      /^tal: broken\.jsonl, line 1/,
    );
    assertRefused(await evaluate('moments', ...files, '--json', 'nowhere/out.json'), /^tal: .*nowhere/);
    assertRefused(await evaluate('moments', '--predictions', predictions), /--ground-truth/);
  });
});

describe('tal evaluate highlights', () => {
  const clip = (i: number) => [2 * i, 2 * i + 2];
  const video = (id: string, label: string, match: number[]) => ({
    ...{ id, split: 'validation', duration: 2 * match.length, labels: [label] },
    clipScores: { benchmark: 'youtube-highlights', clips: match.map((_, i) => clip(i)), scores: [match] },
  });
  mkdirSync(join(folder, 'dogs'));
  save('dogs/annotations.json', {
    videos: [video('a', 'dog', [1, 0]), video('b', 'dog', [0, 1]), video('c', 'cat', [1, -1])],
  } as never);
  const scores = save('scores.jsonl', [
    { qid: 'a', pred_saliency_scores: [2, 1] },
    { qid: 'b', pred_saliency_scores: [2, 1] },
    { qid: 'c', pred_saliency_scores: [2, 1] },
  ]);
  const ofData = ['--ground-truth', 'dogs', '--split', 'validation'];

  it('a data set, with domains and baselines', async () => {
    const options = ['--predictions', scores, ...ofData, '--baselines', '--json', 'highlights.json'];
    const result = await evaluate('highlights', ...options);
    assert.equal(result.status, 0, result.stderr);
    assert.match(
      result.stdout,
      /3 videos, in per cent\nHL-mAP +81\.25\ndomains:\ncat +100\.00\ndog +62\.50\nbaselines:/,
    );
    const { baselines, ...found } = read('highlights.json');
    assert.deepEqual(found, { 'HL-mAP': 81.25, domains: { cat: 100, dog: 62.5 } });
    // Of two clips either order is as likely: 100 and 25.
    assert.ok(Math.abs(baselines.random - 62.5) < 3, JSON.stringify(baselines));
    assert.deepEqual([baselines['best of 300 random'], baselines.centre], [100, 81.25]);
  });

  it('a file of QVHighlights', async () => {
    const relevant = { relevant_clip_ids: [1], saliency_scores: [[4, 3, 2]], duration: 5 };
    const truths = save('judged.jsonl', [
      { qid: 7, query: 'a dog', vid: 'a', relevant_windows: [[2, 4]], ...relevant },
    ]);
    const predictions = save('curve.jsonl', [{ qid: 7, pred_saliency_scores: [0.9, 0.1, 5] }]);
    const files = ['--predictions', predictions, '--ground-truth', truths];
    const result = await evaluate('highlights', ...files, '--json', 'hl.json');
    assert.equal(result.status, 0, result.stderr);
    assert.deepEqual(read('hl.json'), {
      ...{ 'HL-mAP-Fair': 50, 'HL-mAP-Good': 33.333333333, 'HL-mAP-VeryGood': 16.666666667 },
      // The best clip is behind the last that was judged.
      ...{ 'HL-Hit1-Fair': 0, 'HL-Hit1-Good': 0, 'HL-Hit1-VeryGood': 0 },
    });
  });

  it('refuses what does not go together', async () => {
    const refused = async (message: RegExp, ...args: string[]) =>
      assertRefused(await evaluate('highlights', ...args), message);
    await refused(/needs --predictions, or --baselines/, ...ofData);
    await refused(/give --split, one of validation/, '--predictions', scores, '--ground-truth', 'dogs');
    const short = save('short.jsonl', [{ qid: 'a', pred_saliency_scores: [1] }]);
    await refused(
      /qid "a" has 1 pred_saliency_scores, the video has 2 clips/,
      '--predictions',
      short,
      ...ofData,
    );
    const other = save('other.jsonl', [{ qid: 'x', pred_saliency_scores: [1, 2] }]);
    await refused(/qid "x" is not in dogs/, '--predictions', other, ...ofData);
    const few = save('few.jsonl', [{ qid: 'a', pred_saliency_scores: [1, 2] }]);
    await refused(/no prediction of qid "b"/, '--predictions', few, ...ofData);
    const file = save('one.jsonl', [{ qid: 1, pred_saliency_scores: [1] }]);
    const truths = save('q.jsonl', [
      { qid: 1, query: 'q', vid: 'v', duration: 2, relevant_clip_ids: [0], saliency_scores: [[4]] },
    ]);
    await refused(
      /--split goes with a data set/,
      '--predictions',
      file,
      '--ground-truth',
      truths,
      '--split',
      'val',
    );
    await refused(/baselines is for TVSum/, '--ground-truth', truths, '--baselines');
  });
});

describe('tal evaluate detection', () => {
  const action = (label: string, start: number, end: number) => ({ label, segment: [start, end] });
  const truths = save('truths.json', {
    database: {
      a: { subset: 'validation', annotations: [action('jump', 0, 10), action('run', 0, 10)] },
      b: { subset: 'test', annotations: [action('jump', 0, 10)] },
    },
  });
  const predictions = save('found.json', {
    results: {
      a: [
        { ...action('jump', 0, 6), score: 0.9 },
        { ...action('fly', 0, 6), score: 0.9 },
      ],
      b: [{ ...action('jump', 0, 10), score: 0.95 }],
    },
  });
  const files = ['--predictions', predictions, '--ground-truth', truths];

  it('prints the metrics, writes them, and says what had no part in them', async () => {
    const result = await evaluate('detection', ...files, '--json', 'detection.json');
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /1 videos[\s\S]*average-mAP +0\.0750/);
    assert.match(result.stderr, /predictions of fly\n.*1 other videos/);
    const metrics = read('detection.json');
    assert.equal(metrics['mAP@0.50'], 0.25);
    assert.equal(metrics['mAP@0.65'], 0);
    assert.equal(Object.keys(metrics).length, 11);
  });

  it('--ambiguous leaves out predictions that overlap such a range', async () => {
    const ranges = save('ambiguous.txt', 'a 9.5 12\nb  0 1\r\n\nother 0 100\n');
    const after = (start: number) => save('after.txt', `a ${start} 12\n`);
    const score = async (file: string) => {
      const result = await evaluate('detection', ...files, '--ambiguous', file, '--json', 'clear.json');
      assert.equal(result.status, 0, result.stderr);
      return read('clear.json')['mAP@0.50'];
    };
    assert.equal(await score(ranges), 0.5);
    // The prediction of a jump in a ends at 6.
    assert.equal(await score(after(6)), 0.25);
    assert.equal(await score(after(5.9)), 0);
    assertRefused(
      await evaluate('detection', ...files, '--ambiguous', save('bad.txt', 'a 1 2\na 3\n')),
      /bad\.txt, line 2: not VIDEO START END/,
    );
  });

  it('--subset and --thresholds', async () => {
    const options = ['--subset', 'test', '--thresholds', '0.3:0.1:0.7', '--json', 'test.json'];
    assert.equal((await evaluate('detection', ...files, ...options)).status, 0);
    const names = ['mAP@0.30', 'mAP@0.40', 'mAP@0.50', 'mAP@0.60', 'mAP@0.70', 'average-mAP'];
    assert.deepEqual(read('test.json'), Object.fromEntries(names.map((name) => [name, 1])));
    assertRefused(await evaluate('detection', ...files, '--subset', 'train'), /no video of the subset train/);
    for (const bad of [
      '0.5',
      '0.5:0.1:1.2',
      '0.7:0.1:0.3',
      '0.3:0:0.7',
      '0.3:0.25:0.7',
      '0::1',
      '0.3:0.1:x',
    ]) {
      assertRefused(await evaluate('detection', ...files, '--thresholds', bad), /first:step:last/);
    }
  });
});

describe('tal evaluate rtl', () => {
  const entry = { vid: 'a', question: 'When?', duration: 99 };
  const questions = [
    { ...entry, question_id: 1, answer: '<10> <20> She runs.' },
    { ...entry, question_id: 2, answer: '<0> <99>' },
    { ...entry, question_id: 3, answer: '<50> <60>', vid: 'b' },
  ];
  const truths = save('questions.json', JSON.stringify(questions));
  const predictions = save('answers.jsonl', [
    { question_id: 1, output: '<t10> <t15> She runs.' },
    { question_id: 2, output: 'I do not know.' },
    { question_id: 3, span: [50, 57.5] },
  ]);
  const files = ['--predictions', predictions, '--ground-truth', truths];

  it('prints the metrics and writes them', async () => {
    const result = await evaluate('rtl', ...files, '--json', 'rtl.json');
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /3 questions about 2 videos[\s\S]*mIoU +75\.00/);
    assert.deepEqual(read('rtl.json'), { mIoU: 75, 'P@0.5': 100, 'P@0.7': 75 });
  });

  it('tells of times after the end of a video', async () => {
    assert.doesNotMatch((await evaluate('rtl', ...files)).stderr, /after the end/);
    const late = save('late.jsonl', [
      { question_id: 1, output: '<10> <120.5>' },
      { question_id: 2, output: '<0> <99>' },
      { question_id: 3, span: [50, 57.5] },
    ]);
    const result = await evaluate('rtl', '--predictions', late, '--ground-truth', truths);
    assert.equal(result.status, 0, result.stderr);
    assert.match(
      result.stderr,
      /1 answers? (?:has|have) times after the end of their video: they count as its end/,
    );
  });

  it('--time-tokens', async () => {
    // Of 12 tokens, 10 and 15 are 90 s and no token: no span is found, so it is the whole video.
    const result = await evaluate('rtl', ...files, '--time-tokens', '12', '--json', 'few.json');
    assert.equal(result.status, 0, result.stderr);
    assert.equal(read('few.json')['P@0.5'], 75);
    assertRefused(await evaluate('rtl', ...files, '--time-tokens', '1'), /an integer of at least 2/);
  });

  it('refuses what does not fit together', async () => {
    const few = save('few.jsonl', [{ question_id: 1, output: '' }]);
    assertRefused(
      await evaluate('rtl', '--predictions', few, '--ground-truth', truths),
      /^tal: few\.jsonl.*question 2/,
    );
    assert.match((await evaluate('rtl', '--help')).stdout, /question_id[\s\S]*output[\s\S]*span/);
  });
});
