import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
      'HL-mAP-VeryGood': 75,
      'HL-Hit1-VeryGood': 50,
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
