import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../src/errors.js';
import {
  type ChatMessage,
  encodeChat,
  frameTimesText,
  IGNORED_LABEL,
  placeVisualTokens,
  VISUAL_ID,
} from '../../src/models/mdvlm/language/chat.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { smallIds, smallTokenizer, smallTokenizerConfig } from '../support/small-tokenizer.js';

const { bos, headerStart, headerEnd, eot, blank, reserved, jump } = smallIds;
const tokenizer = await loadTokenizer(
  { tokenizer: smallTokenizer(), config: smallTokenizerConfig },
  new TimeTokens({ count: 20, firstId: reserved }),
);
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
const header = (role: string): number[] => [headerStart, ...bytes(role), headerEnd];
const none = (count: number): number[] => new Array<number>(count).fill(IGNORED_LABEL);

const question: ChatMessage = { role: 'user', content: '<image>\nwho?' };
const answer: ChatMessage = { role: 'assistant', content: '<t2> jump' };
const system = [bos, ...header('system'), blank, ...bytes('be'), eot];
const asked = [...header('user'), blank, VISUAL_ID, ...bytes('\nwho?'), eot];
const replied = [...header('assistant'), blank, reserved + 2, 32, jump, eot];

test('the template, and the header of the answer after a question', () => {
  const { ids, labels, turns } = encodeChat(tokenizer, [question], { system: 'be' });
  assert.deepEqual([...ids], [...system, ...asked, ...header('assistant'), blank]);
  assert.ok(labels.every((label) => label === IGNORED_LABEL));
  assert.ok(turns.every((turn) => turn === 0));
});

test('a training example begins with what generation is given; its answer and the end of it are targets', () => {
  const prompt = encodeChat(tokenizer, [question], { system: 'be' });
  const { ids, labels } = encodeChat(tokenizer, [question, answer], { system: 'be' });
  assert.deepEqual([...ids], [...system, ...asked, ...replied]);
  assert.deepEqual(ids.slice(0, prompt.ids.length), prompt.ids);
  assert.deepEqual([...labels], [...none(prompt.ids.length), reserved + 2, 32, jump, eot]);
});

test("LLaDA-V's targets: headers of answers and marks everywhere", () => {
  const { ids, labels } = encodeChat(tokenizer, [question, answer], { system: 'be', targets: 'llada-v' });
  const marks: number[] = [bos, headerStart, headerEnd, eot];
  const start = system.length + asked.length;
  for (const [i, id] of ids.entries()) {
    const target = i >= start || marks.includes(id);
    assert.equal(labels[i], target ? id : IGNORED_LABEL, `position ${i}`);
  }
  assert.ok(!labels.subarray(0, start).includes(blank), 'the vocabulary has no entry of two line feeds');
});

test("LLaDA-V's targets: the blank line too where the vocabulary has it as it is", async () => {
  const file = smallTokenizer();
  file.added_tokens.push({ ...file.added_tokens[0]!, id: 900, content: '\n\n' });
  const other = await loadTokenizer({ tokenizer: file, config: {} }, tokenizer.times);
  const { ids, labels } = encodeChat(other, [question], { system: 'be', targets: 'llada-v' });
  assert.equal([...labels].filter((label) => label === 900).length, 3);
  assert.equal([...ids].filter((id) => id === 900).length, 3);
});

test('each question opens a turn, the first one with the system prompt', () => {
  const again: ChatMessage = { role: 'user', content: 'why?' };
  const { ids, turns } = encodeChat(tokenizer, [question, answer, again, answer], { system: 'be' });
  const first = system.length + asked.length + replied.length;
  assert.deepEqual(
    [...turns],
    [...ids].map((_, i) => (i < first ? 0 : 1)),
  );
});

test('refuses messages out of turn', () => {
  assert.throws(() => encodeChat(tokenizer, [answer]), OptionError);
  assert.throws(() => encodeChat(tokenizer, [question, question]), /messages\[1\]/);
});

test('visual tokens take the place that was kept for them', () => {
  const chat = encodeChat(tokenizer, [question, answer], { system: 'be' });
  const at = chat.ids.indexOf(VISUAL_ID);
  for (const count of [0, 1, 5]) {
    const placed = placeVisualTokens(chat, count);
    for (const name of ['ids', 'labels', 'turns'] as const) {
      const before = [...chat[name]];
      before.splice(at, 1, ...new Array<number>(count).fill(before[at]!));
      assert.deepEqual([...placed[name]], before, `${name}, ${count}`);
    }
  }
  assert.throws(() => placeVisualTokens(chat, -1), OptionError);
  assert.throws(() => placeVisualTokens(placeVisualTokens(chat, 2), 2), OptionError);
  const blind = encodeChat(tokenizer, [{ role: 'user', content: 'who?' }]);
  assert.throws(() => placeVisualTokens(blind, 2), /<image>/);
});

test('what the model is told of its frames', () => {
  assert.equal(
    frameTimesText(8.5, [0, 4.254]),
    'The video lasts for 8.50 seconds, and 2 frames are uniformly sampled from it. These frames are located at ' +
      '0.00s,4.25s.Please answer the following questions related to this video.',
  );
});
