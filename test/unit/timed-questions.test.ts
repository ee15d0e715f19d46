import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnnotatedVideo } from '../../src/data/annotations/annotated-video.js';
import {
  ACTIONS_QUESTION,
  actionsQuestion,
  captioningQuestion,
  eventQuestion,
  localizationQuestions,
  NOTHING,
} from '../../src/data/annotations/timed-questions.js';
import { HostRandom } from '../../src/data/host-random.js';

const video: AnnotatedVideo = {
  video: 'v_a',
  excerpt: [5, 25],
  duration: 20,
  events: [
    { text: 'She runs.', spans: [[3, 8]] },
    {
      text: 'She jumps',
      spans: [
        [9, 9.5],
        [1, 2],
      ],
    },
  ],
};
const nothing: AnnotatedVideo = { ...video, events: [] };

test('an event is quoted in a question, and answered by its times alone', () => {
  const [runs, jumps, ...others] = localizationQuestions(video, new HostRandom(7));
  assert.deepEqual(others, []);
  const { question, ...rest } = runs!;
  assert.match(question, /"She runs"/, 'without its full stop');
  assert.deepEqual(rest, {
    video: 'v_a',
    excerpt: [5, 25],
    duration: 20,
    answer: [3, ' ', 8],
    spans: [[3, 8]],
  });
  assert.match(jumps!.question, /"She jumps"/);
  assert.deepEqual(jumps!.answer, [9, ' ', 9.5, ' ', 1, ' ', 2]);
  assert.deepEqual(localizationQuestions(nothing, new HostRandom(7)), []);
});

test('everything that happens, by time', () => {
  const captions = captioningQuestion(video, new HostRandom(7));
  assert.deepEqual(captions.answer, [
    1,
    ' ',
    2,
    ' She jumps ',
    3,
    ' ',
    8,
    ' She runs. ',
    9,
    ' ',
    9.5,
    ' She jumps',
  ]);
  const actions = actionsQuestion(video, new HostRandom(7));
  assert.deepEqual(actions.answer, [
    'She jumps: ',
    1,
    ' ',
    2,
    '; She runs.: ',
    3,
    ' ',
    8,
    '; She jumps: ',
    9,
    ' ',
    9.5,
  ]);
  const spans = [
    [1, 2],
    [3, 8],
    [9, 9.5],
  ];
  assert.deepEqual(captions.spans, spans);
  assert.deepEqual(actions.spans, spans);
  for (const ask of [captioningQuestion, actionsQuestion]) {
    assert.deepEqual(ask(nothing, new HostRandom(7)).answer, [NOTHING]);
    assert.deepEqual(ask(nothing, new HostRandom(7)).spans, []);
  }
});

test('the seed chooses among several wordings', () => {
  for (const ask of [
    (random: HostRandom) => localizationQuestions(video, random)[0]!,
    (random: HostRandom) => captioningQuestion(video, random),
    (random: HostRandom) => actionsQuestion(video, random),
  ]) {
    const questions = new Set(Array.from({ length: 60 }, (_, seed) => ask(new HostRandom(seed)).question));
    assert.ok(questions.size >= 3, `${questions.size}`);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        assert.deepEqual(ask(new HostRandom(seed)), ask(new HostRandom(seed)));
      }),
    );
  }
});

test('a model is asked in words that training has', () => {
  const asked = (questions: (random: HostRandom) => string) =>
    new Set(Array.from({ length: 200 }, (_, seed) => questions(new HostRandom(seed))));
  const events = asked((random) => localizationQuestions(video, random)[0]!.question);
  assert.ok(events.has(eventQuestion(' She runs. ')));
  assert.ok(asked((random) => actionsQuestion(video, random).question).has(ACTIONS_QUESTION));
});
