import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WrittenQuestion } from '../../src/data/annotations/question-lines.js';
import { OptionError } from '../../src/errors.js';
import { checkTextQuestions } from '../../src/models/mdvlm/language/text-questions.js';

const text: WrittenQuestion = { question: 'How many legs has an ant?', answer: ['six'] };
const timed: WrittenQuestion = { question: 'When?', answer: [1.5, ' ', 3], duration: 9 };
const check = (question: WrittenQuestion, hasVisionEncoder: boolean) =>
  checkTextQuestions([text, question], { data: 'some.jsonl', hasVisionEncoder });

test('questions about text pass, for a model with a vision encoder too', () => {
  for (const hasVisionEncoder of [false, true]) {
    assert.equal(check(text, hasVisionEncoder), 0);
    assert.equal(check({ ...text, question: 'What is an <i>image</i> of a video?' }, hasVisionEncoder), 0);
  }
  assert.equal(check(timed, false), 1);
});

test('questions about videos are refused, with what is possible', () => {
  const visual: readonly (readonly [WrittenQuestion, RegExp])[] = [
    [{ ...text, video: 'v_a' }, /names "v_a"/],
    ...['<image>', '<video>', '<VIDEO>', '<|video_pad|>', '<|vision_start|>', '<image_1>', '<|image|>'].map(
      (mark) => [{ ...text, question: `${mark} What is it?` }, /has the mark </] as const,
    ),
    [{ ...text, answer: ['it is ', 2, ' <image>'], duration: 3 }, /has the mark <image>/],
  ];
  const refused = (message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof OptionError, String(error));
    assert.match(error.message, /^trainLora: data must .*question 2 of some\.jsonl .*no frames/);
    assert.match(error.message, /Give questions that their text alone answers/);
    assert.match(error.message, message);
    return true;
  };
  for (const [question, message] of visual) {
    for (const hasVisionEncoder of [false, true]) {
      assert.throws(() => check(question, hasVisionEncoder), refused(message));
    }
  }
  assert.throws(() => check(timed, true), refused(/has times of a video/));
});
