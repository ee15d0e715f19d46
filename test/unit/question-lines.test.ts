import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readWrittenQuestions } from '../../src/data/annotations/question-lines.js';
import { FileFormatError } from '../../src/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-questions-'));
after(() => rmSync(folder, { recursive: true }));
const save = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('questions are read from JSON lines, with times where the duration is given', async () => {
  const path = save(
    'some.jsonl',
    '{"question": " Who is it? ", "answer": "A man."}\n\n{"question": "When?", "answer": "<1.5> <3> jump", "duration": 9}\n',
  );
  assert.deepEqual(await readWrittenQuestions(path), [
    { question: 'Who is it?', answer: ['A man.'] },
    { question: 'When?', answer: [1.5, ' ', 3, ' jump'], duration: 9 },
  ]);
});

test('and from the training questions of ActivityNet-RTL', async () => {
  const file = { v_a: { duration: 20, QA: [{ q: 'When?', a: '<2> <4.5> because' }] } };
  const [question] = await readWrittenQuestions(save('rtl.json', JSON.stringify(file)));
  assert.equal(question!.question, 'When?');
  assert.equal(question!.duration, 20);
  assert.equal(question!.video, 'v_a');
  assert.deepEqual(question!.answer, [2, ' ', 4.5, ' because']);
});

test('a line keeps the video or picture that it names', async () => {
  const named = async (fields: object) => {
    const line = JSON.stringify({ question: 'What?', answer: 'a man', ...fields });
    return (await readWrittenQuestions(save('named.jsonl', line)))[0]!.video;
  };
  assert.equal(await named({ video: 'v_a.mp4' }), 'v_a.mp4');
  assert.equal(await named({ vid: 0, duration: 3 }), '0');
  assert.equal(await named({ video_path: 'a/b' }), 'a/b');
  assert.equal(await named({ images: ['1.jpg', '2.jpg'] }), '1.jpg, 2.jpg');
  assert.equal(await named({ source: 'clips/run.WEBM' }), 'clips/run.WEBM');
  for (const none of [{}, { video: null }, { video: ' ' }, { source: 'a book', id: 4, duration: 3 }]) {
    assert.equal(await named(none), undefined);
  }
});

test('what breaks that is refused with its line', async () => {
  for (const [line, message] of [
    ['{"question": "When?", "answer": "<1> <2>"}', /line 2: the answer has times, so the duration/],
    ['{"question": "When?", "answer": "<1> <2>", "duration": 0}', /line 2: duration is 0/],
    ['{"question": "When?"}', /line 2: answer is missing/],
    ['{"question": " ", "answer": "a"}', /line 2: question is/],
    ['[1]', /line 2/],
  ] as const) {
    const path = save('bad.jsonl', `{"question": "a", "answer": "b"}\n${line}\n`);
    await assert.rejects(readWrittenQuestions(path), (error) => {
      assert.ok(error instanceof FileFormatError);
      assert.match(error.message, message);
      return true;
    });
  }
});
