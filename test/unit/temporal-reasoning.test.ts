import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  readTemporalPredictions,
  readTemporalQuestions,
  readTemporalTraining,
} from '../../src/data/annotations/temporal-reasoning.js';
import { FileFormatError } from '../../src/errors.js';
import { evaluateTemporalReasoning, type JudgedAnswer } from '../../src/evaluation/temporal-reasoning.js';
import { damaged } from '../support/damage.js';
import { madeFiles, refusal } from '../support/made-files.js';

const file = madeFiles('temporal-reasoning-');

test('training questions, their times taken out of the answers', async () => {
  const path = file('train.json', {
    v_a: {
      duration: 20,
      QA: [
        { q: ' When does she fall? ', a: '<4.5> <3.> She slips, not before <2>.' },
        { q: 'Why?', a: 'It is wet at <21.5>' },
      ],
    },
    v_b: { duration: 5, QA: [] },
  });
  const common = { video: 'v_a', excerpt: [0, 20], duration: 20 };
  assert.deepEqual(await readTemporalTraining(path), [
    {
      ...common,
      question: 'When does she fall?',
      answer: [4.5, ' ', 3, ' She slips, not before ', 2, '.'],
      spans: [[3, 4.5]],
    },
    { ...common, question: 'Why?', answer: ['It is wet at ', 21.5], spans: [] },
  ]);
  const broken = file('broken.json', { v_a: { duration: 20, QA: [{ q: 'x', a: 'y' }, { q: 'x' }] } });
  await assert.rejects(readTemporalTraining(broken), refusal(broken, /v_a: QA\[1\]: a is missing/));
});

const entry = { question_id: 'q1', vid: 'a', question: 'When?', answer: '<1.0> <6.0> because', duration: 5 };
const entries = [entry, { ...entry, question_id: 2, answer: '<3> <2>' }];

test('questions of the evaluation, each with a span within its video', async () => {
  const questions = await readTemporalQuestions(file('questions.json', entries));
  assert.deepEqual(questions, [
    {
      id: 'q1',
      video: 'a',
      excerpt: [0, 5],
      duration: 5,
      question: 'When?',
      answer: [1, ' ', 6, ' because'],
      spans: [[1, 5]],
    },
    { ...questions[0]!, id: 2, answer: [3, ' ', 2], spans: [[2, 3]] },
  ]);
  const faults: [content: unknown, message: RegExp][] = [
    [[entry, { ...entry, question_id: 2, answer: '<3>' }], /\[1\]: answer "<3>" has fewer than two times/],
    [[entry, entry], /\[1\]: question_id "q1" occurs twice, first in .*\[0\]/],
    [[{ ...entry, duration: 0 }], /\[0\]: duration is 0/],
    [[{ ...entry, vid: 3 }], /\[0\]: vid is 3/],
    [[3], /\[0\]: 3 is not an object/],
    [[], /holds no question/],
    ['[{"question_id": 1', /not JSON/],
  ];
  for (const [content, message] of faults) {
    const path = file('faults.json', content);
    await assert.rejects(readTemporalQuestions(path), refusal(path, message));
  }
  const bytes = new TextEncoder().encode(JSON.stringify(entries));
  await fc.assert(
    fc.asyncProperty(damaged(bytes), async (content) => {
      await readTemporalQuestions(file('damaged.json', content)).catch((error) =>
        assert.ok(error instanceof FileFormatError, `${error}`),
      );
    }),
  );
});

test('predictions in the order of the questions, from a list or from lines', async () => {
  const questions = await readTemporalQuestions(file('questions.json', entries));
  const predictions = [
    { question_id: 2, span: [-1, 9] },
    { question_id: 'q1', output: '' },
  ];
  const wanted = [{ output: '' }, { span: [0, 5] }];
  const lines = predictions.map((one) => JSON.stringify(one)).join('\n');
  assert.deepEqual(await readTemporalPredictions(file('list.json', predictions), questions), wanted);
  assert.deepEqual(await readTemporalPredictions(file('lines.jsonl', lines), questions), wanted);

  const faults: [content: unknown, message: RegExp][] = [
    [[predictions[0]], /no prediction for question "q1"/],
    [[...predictions, { question_id: '2', output: '' }], /\[2\]: question_id "2" is no question/],
    [[...predictions, predictions[0]], /\[2\]: question_id 2 occurs twice/],
    [[predictions[0], { question_id: 'q1' }], /\[1\]: expected either/],
    [[predictions[0], { question_id: 'q1', output: '', span: [0, 1] }], /\[1\]: expected either/],
    [[predictions[0], { question_id: 'q1', output: 3 }], /\[1\]: output is 3, not a string/],
    [[predictions[0], { question_id: 'q1', span: [2, 1] }], /\[1\]: span starts at 2/],
    [`${JSON.stringify(predictions[0])}\n{"question_id"`, /line 2: not JSON/],
  ];
  for (const [content, message] of faults) {
    const path = file('faults.json', content);
    await assert.rejects(readTemporalPredictions(path, questions), refusal(path, message));
  }
});

test('answers are averaged within a video first', () => {
  const truth = [0, 10] as const;
  const metrics = evaluateTemporalReasoning([
    { video: 'a', predicted: [0, 10], truth },
    { video: 'a', predicted: [0, 5], truth },
    { video: 'a', predicted: [0, 6], truth },
    { video: 'b', predicted: [8, 20], truth },
  ]);
  // Overlaps 1, 1/2 and 3/5 in one video, 2/20 in the other.
  assert.ok(Math.abs(metrics.mIoU - 100 * ((1 + 0.5 + 0.6) / 3 + 0.1) * 0.5) < 1e-12, `${metrics.mIoU}`);
  assert.equal(metrics['P@0.5'], 50);
  assert.ok(Math.abs(metrics['P@0.7'] - 100 / 6) < 1e-12);
  assert.equal(evaluateTemporalReasoning([{ video: 'a', predicted: [3, 3], truth: [3, 3] }]).mIoU, 0);
});

const span = fc.tuple(fc.nat(30), fc.nat(30)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const answers: fc.Arbitrary<JudgedAnswer[]> = fc.array(
  fc.record({ video: fc.constantFrom('a', 'b', 'c'), predicted: span, truth: span }),
  { minLength: 1, maxLength: 12 },
);

test('agrees with the plain computation on whole seconds, in whatever order', () => {
  /** Seconds of [start, end) as a set, their overlap counted. */
  const overlap = ([s, e]: readonly [number, number], [t, f]: readonly [number, number]): number => {
    let common = 0;
    let all = 0;
    for (let second = 0; second < 30; second++) {
      const [one, other] = [second >= s && second < e, second >= t && second < f];
      if (one && other) common++;
      if (one || other) all++;
    }
    return all === 0 ? 0 : common / all;
  };
  fc.assert(
    fc.property(answers, (list) => {
      // A video of n answers of V videos gives each of them the weight 1 / (n V).
      const videos = new Set(list.map(({ video }) => video));
      const wanted = { mIoU: 0, 'P@0.5': 0, 'P@0.7': 0 };
      for (const { video, predicted, truth } of list) {
        const weight = 100 / videos.size / list.filter((other) => other.video === video).length;
        const iou = overlap(predicted, truth);
        wanted.mIoU += weight * iou;
        if (iou >= 0.5) wanted['P@0.5'] += weight;
        if (iou >= 0.7) wanted['P@0.7'] += weight;
      }
      for (const metrics of [evaluateTemporalReasoning(list), evaluateTemporalReasoning(list.toReversed())])
        for (const [name, value] of Object.entries(metrics))
          assert.ok(Math.abs(value - wanted[name as keyof typeof wanted]) < 1e-9, name);
    }),
  );
});
