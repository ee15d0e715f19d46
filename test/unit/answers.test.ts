import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { actionsQuestion } from '../../src/data/annotations/timed-questions.js';
import { HostRandom } from '../../src/data/host-random.js';
import { parseSpokenTimes } from '../../src/data/text/spoken-times.js';
import { OptionError } from '../../src/errors.js';
import { mergeWindows } from '../../src/models/common/merge-windows.js';
import {
  answeredActions,
  answeredSentences,
  answeredSpan,
  answeredSpans,
  answerFromText,
  answerFromTokens,
  withSpokenTimes,
} from '../../src/models/mdvlm/decoding/answers.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import type { Segment } from '../../src/time/segment.js';
import { smallIds, smallTokenizer, smallTokenizerConfig } from '../support/small-tokenizer.js';

const times = new TimeTokens();
const few = new TimeTokens({ count: 11, firstId: smallIds.reserved });
const tokenizer = await loadTokenizer({ tokenizer: smallTokenizer(), config: smallTokenizerConfig }, few);

test('the first two times are the span; with fewer it is the whole video', () => {
  const cases: [text: string, span: Segment][] = [
    ['<t10> <t20> as one sees', [6.06, 12.12]],
    ['<t20> <t10>', [6.06, 12.12]],
    ['it is from <t10> on until <t99>, not <t5>', [6.06, 60]],
    ['<12.5> <3.>', [3, 12.5]],
    ['<t10> <90.5>', [6.06, 60]],
    ['<t10>', [0, 60]],
    ['<t100> <t101>', [0, 60]],
    ['', [0, 60]],
  ];
  for (const [text, span] of cases)
    assert.deepEqual(answeredSpan(answerFromText(text, 60, times), 60), span, text);
});

test('times in words count where there are no others', () => {
  const cases: [text: string, spoken: (string | number)[]][] = [
    ['from 3 s to 8.5 seconds', ['from ', 3, ' to ', 8.5]],
    ['between 3 and 8 seconds.', ['between ', 3, ' ', 8, '.']],
    ['3-8s', [3, ' ', 8]],
    ['It starts at 1:05 and ends at 1:02:03.5', ['It starts at ', 65, ' and ends at ', 3723.5]],
    ['at 2 minutes and 3 seconds, until 3 min', ['at ', 123, ', until ', 180]],
    ['1m20s', [80]],
    ['for 5 seconds, lasting about 7 s, at 9 sec', ['for 5 seconds, lasting about 7 s, at ', 9]],
    ['2 men jump 6 m, 3 steps', ['2 men jump 6 m, 3 steps']],
    ['version 1.2.3 s', ['version 1.2.3 s']],
    ['at 1:75, and at 12:34:56:78', ['at 1:75, and at 12:34:56:78']],
    ['1:75:30 and 1:05s, 75:30', ['1:75:30 and 1:05s, ', 4530]],
    ['1:05: he sits', [65, ': he sits']],
    ['from 1 to 2 hours', ['from ', 3600, ' ', 7200]],
    ['from 30 s to 2 hours', ['from ', 30, ' to ', 7200]],
    ['1 hour and 5 minutes, 2 hrs 3 min 4 s', [3900, ', ', 7384]],
    ['1 to 2 minutes', [60, ' ', 120]],
    ['for 2 hours', ['for 2 hours']],
    ['', []],
  ];
  for (const [text, spoken] of cases) assert.deepEqual(parseSpokenTimes(text), spoken, text);
  const words = [{ text: 'from 50 to 80 seconds', probability: 0.5 }];
  assert.deepEqual(answeredSpans(withSpokenTimes(words, 60)), [{ segment: [50, 60], score: 0.5 }]);
  const both = answerFromText('<t10> <t20>, that is 3 to 8 s', 60, times);
  assert.deepEqual(withSpokenTimes(both, 60), both);
});

test('spans lie within the video, whatever the answer', () => {
  const word = fc.oneof(
    fc.nat(120).map((i) => `<t${i}>`),
    fc.double({ min: 0, max: 99, noNaN: true }).map((seconds) => `<${seconds.toFixed(1)}>`),
    fc.constantFrom(' ', ';', 'a: ', '<t'),
  );
  fc.assert(
    fc.property(fc.array(word), fc.double({ min: 1, max: 90, noNaN: true }), (words, duration) => {
      const parts = answerFromText(words.join(''), duration, times);
      const actions = answeredActions(parts);
      const segments = [answeredSpan(parts, duration), ...actions.map(({ segment }) => segment)];
      for (const [start, end] of segments) assert.ok(start >= 0 && start <= end && end <= duration);
      assert.equal(answeredSentences(parts).length, actions.length);
    }),
  );
});

test('the spans of an answer that says when: pairs of times, or else the first two', () => {
  const spans = (text: string) =>
    answeredSpans(answerFromText(text, 99, times)).map(({ segment, score }) => {
      assert.equal(score, 1, 'nothing is known of a text');
      return segment;
    });
  assert.deepEqual(spans('<t3> <t9> and <t20><t12>'), [
    [3, 9],
    [12, 20],
  ]);
  assert.deepEqual(spans('from <t9> to <t3>, not <t20>'), [[3, 9]]);
  assert.deepEqual(spans('from <t9>'), []);
  const ids = tokenizer.encode('<t2> <t5>');
  const [span] = answeredSpans(answerFromTokens(tokenizer, ids, [0.25, 0.1, 0.81], 10));
  assert.deepEqual(span!.segment, [2, 5]);
  assert.ok(Math.abs(span!.score - 0.45) < 1e-12);
});

const actionsOf = (text: string) =>
  answeredActions(answerFromText(text, 99, times)).map(({ label, segment }) => [label, ...segment]);

test('actions with their labels', () => {
  assert.deepEqual(actionsOf('Long jump: <t1> <t5>; High jump: <t9><t7>'), [
    ['Long jump', 1, 5],
    ['High jump', 7, 9],
  ]);
  assert.deepEqual(
    actionsOf(' Long jump : <t1> <t5> <t6> <t7>; <t8> <t9>;Run <t2> <t3>'),
    [
      ['Long jump', 1, 5],
      ['Long jump', 6, 7],
      ['Long jump', 8, 9],
      ['Run', 2, 3],
    ],
    'a span without a label has the one before',
  );
  assert.deepEqual(
    actionsOf('Run: <t1>; Jump: <t2> <t3>; Sit: <t4> and <t5>'),
    [['Jump', 2, 3]],
    'times without a partner are left out',
  );
  assert.deepEqual(actionsOf('<t1> <t2>'), [['', 1, 2]]);
  assert.deepEqual(actionsOf('none'), []);
});

test('sentences after their spans', () => {
  assert.deepEqual(answeredSentences(answerFromText('<t1> <t3> She sits. <t5> <t4> She runs.', 99, times)), [
    { sentence: 'She sits.', segment: [1, 3] },
    { sentence: 'She runs.', segment: [4, 5] },
  ]);
});

test('the answer that training asks for gives its actions back', () => {
  const events = fc.array(
    fc.record({ label: fc.constantFrom('Run', 'Long jump', 'Tai chi'), start: fc.nat(99), end: fc.nat(99) }),
  );
  fc.assert(
    fc.property(events, (actions) => {
      const annotated = {
        video: 'v',
        excerpt: [0, 99] as const,
        duration: 99,
        events: actions.map(({ label, start, end }) => ({
          text: label,
          spans: [[Math.min(start, end), Math.max(start, end)]] as const,
        })),
      };
      const { answer, spans } = actionsQuestion(annotated, new HostRandom(1));
      const read = answeredActions(answerFromText(times.write(answer, 99), 99, times));
      assert.deepEqual(
        read.map(({ segment }) => segment),
        spans,
      );
      const key = (label: string, segment: Segment) => `${label} ${segment}`;
      assert.deepEqual(
        read.map(({ label, segment }) => key(label, segment)).sort(),
        annotated.events.map(({ text, spans: [span] }) => key(text, span)).sort(),
      );
    }),
  );
});

test('tokens are read up to the first that ends the answer, and score by their probabilities', () => {
  const text = 'sit jump: <t1> <t5>; <t6> <t7>;a: <t2> <t3>';
  const ids = [...tokenizer.encode(text), smallIds.eot, ...tokenizer.encode('b: <t2> <t3>')];
  const probability = (id: number): number => {
    const index = few.indexOf(id);
    if (index !== undefined) return 1 - index / 10;
    return id === smallIds.jump ? 0.2 : id === 's'.charCodeAt(0) ? 0.5 : id < 97 ? 0.01 : 1;
  };
  const parts = answerFromTokens(tokenizer, ids, ids.map(probability), 10);
  const actions = answeredActions(parts);
  assert.deepEqual(
    actions.map(({ label, segment }) => [label, ...segment]),
    [
      ['sit jump', 1, 5],
      ['sit jump', 6, 7],
      ['a', 2, 3],
    ],
  );
  // s, i, t and jump: spaces, colons and semicolons do not count.
  const label = (0.5 * 0.2) ** (1 / 4);
  const wanted = [(0.9 * 0.5 * label) ** (1 / 3), (0.4 * 0.3 * label) ** (1 / 3), (0.8 * 0.7) ** (1 / 3)];
  for (const [i, { score }] of actions.entries()) assert.ok(Math.abs(score - wanted[i]!) < 1e-12, `${score}`);
  assert.throws(() => answerFromTokens(tokenizer, ids, [1], 10), OptionError);
});

test('what comes before a semicolon is no part of a label', () => {
  const ids = tokenizer.encode('as asked; a: <t1> <t2>');
  const probabilities = ids.map((_, i) => (i < 8 ? 0.1 : 1));
  const [action] = answeredActions(answerFromTokens(tokenizer, ids, probabilities, 10));
  assert.deepEqual(action, { label: 'a', score: 1, segment: [1, 2] });
});

test('a label of characters that take several tokens', () => {
  const ids = tokenizer.encode('Überlauf: <t1> <t2>');
  const [action] = answeredActions(
    answerFromTokens(
      tokenizer,
      ids,
      ids.map(() => 0.5),
      10,
    ),
  );
  assert.equal(action!.label, 'Überlauf');
  assert.ok(Math.abs(action!.score - 0.5) < 1e-12);
});

test('windows are joined in the time of the video, and lower each other within a class', () => {
  const jump = { label: 'jump', score: 0.8, segment: [30, 40] as const };
  const merged = mergeWindows(
    [
      { excerpt: [0, 50], detections: [jump, { ...jump, label: 'run', score: 0.7 }] },
      { excerpt: [25, 75], detections: [{ ...jump, segment: [5, 15], score: 0.9 }] },
    ],
    0.5,
  );
  assert.deepEqual(
    merged.map(({ label, segment }) => [label, ...segment]),
    [
      ['jump', 30, 40],
      ['run', 30, 40],
      ['jump', 30, 40],
    ],
  );
  assert.deepEqual(
    merged.map(({ score }) => score),
    [0.9, 0.7, 0.8 * Math.exp(-2)],
  );
  assert.deepEqual(mergeWindows([]), []);
  assert.throws(() => mergeWindows([], 0), OptionError);
});

test('windows give no span outside of them and none without length', () => {
  const found = (
    [
      [-1, 2],
      [3, 9],
      [4, 4],
      [6, 8],
    ] as const
  ).map((segment, i) => ({ label: `${i}`, score: 1, segment }));
  const merged = mergeWindows([{ excerpt: [10.1, 15.3], detections: found }]);
  assert.deepEqual(
    merged.map(({ label, segment }) => [label, segment]),
    [
      ['0', [10.1, 12.1]],
      ['1', [13.1, 15.3]],
    ],
  );
});
