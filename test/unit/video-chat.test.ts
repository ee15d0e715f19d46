import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../src/errors.js';
import { VISUAL_ID, visualPlace } from '../../src/models/mdvlm/language/chat.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { MASK_MARK, partialAnswer, videoChat } from '../../src/models/mdvlm/video/answer-video.js';
import { videoMdvlmConfigs } from '../../src/models/mdvlm/video/video-config.js';
import { smallIds, smallTokenizer, smallTokenizerConfig } from '../support/small-tokenizer.js';

const { bos, headerStart, headerEnd, eot, eos, blank, reserved, mp, jump, mask } = smallIds;
const tokenizer = await loadTokenizer(
  { tokenizer: smallTokenizer(), config: smallTokenizerConfig },
  new TimeTokens(videoMdvlmConfigs.tiny.times),
);
/** The small vocabulary has one token for "mp". */
const bytes = (text: string): number[] =>
  text.split('mp').flatMap((part, i) => [...(i > 0 ? [mp] : []), ...new TextEncoder().encode(part)]);

// LLaDA-V's template, written out.
const system = [
  ...[bos, headerStart, ...bytes('system'), headerEnd, blank],
  ...bytes(
    'You are a helpful language and vision assistant. You are able to understand the visual content that the ',
  ),
  ...bytes('user provides, and assist the user with a variety of tasks using natural language.'),
  eot,
];
const user = [headerStart, ...bytes('user'), headerEnd, blank];
const assistant = [headerStart, ...bytes('assistant'), headerEnd, blank];

test('a question stands after the visual tokens in the turn of the user', () => {
  const chat = videoChat(tokenizer, 'When?');
  assert.deepEqual([...chat.ids], [...system, ...user, VISUAL_ID, ...bytes('\nWhen?'), eot, ...assistant]);
  assert.equal(visualPlace(chat), system.length + user.length);
});

test('what is told of the frames stands between them and the question', () => {
  const { ids } = videoChat(tokenizer, 'When?', { duration: 12, seconds: [0, 11.5] });
  const told =
    'The video lasts for 12.00 seconds, and 2 frames are uniformly sampled from it. These frames are located at ' +
    '0.00s,11.50s.Please answer the following questions related to this video.';
  assert.deepEqual(
    [...ids],
    [...system, ...user, VISUAL_ID, ...bytes(`\n${told}\nWhen?`), eot, ...assistant],
  );
});

test('refuses a question that says nothing, and one with a place of its own for visual tokens', () => {
  assert.throws(() => videoChat(tokenizer, ' \n'), OptionError);
  assert.throws(() => visualPlace(videoChat(tokenizer, 'What is <image>?')), OptionError);
});

test('an answer that is being decoded', () => {
  const text = (...ids: number[]) => partialAnswer(tokenizer, ids, mask);
  assert.equal(text(mask, mask), MASK_MARK.repeat(2));
  assert.equal(text(jump, mask, reserved + 7, 32, reserved + 99), `jump${MASK_MARK}<t7> <t99>`);
  assert.equal(text(mask, jump, eot, mask, jump), `${MASK_MARK}jump`);
  assert.equal(text(jump, eos, eot), 'jump');
  assert.equal(text(...bytes('é'), mask), `é${MASK_MARK}`, 'a character of two tokens');
});
