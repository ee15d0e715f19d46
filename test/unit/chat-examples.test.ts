import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VISUAL_ID } from '../../src/models/mdvlm/language/chat.js';
import { chatExample } from '../../src/models/mdvlm/language/chat-examples.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { smallIds, smallTokenizer, smallTokenizerConfig } from '../support/small-tokenizer.js';

const times = new TimeTokens({ count: 20, firstId: smallIds.reserved });
const tokenizer = await loadTokenizer({ tokenizer: smallTokenizer(), config: smallTokenizerConfig }, times);
const example = (answer: string, question = 'when?', targets: 'answers' | 'llada-v' = 'answers') =>
  chatExample(
    tokenizer,
    [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
    { targets },
  );

describe('a conversation to learn from', () => {
  it('has the answer and its end as targets, at the end of the sequence', () => {
    const { ids, places, answer } = example('<t3> <t9> jump');
    const wanted = [smallIds.reserved + 3, 32, smallIds.reserved + 9, 32, smallIds.jump, smallIds.eot];
    assert.deepEqual(answer.ids, wanted);
    assert.deepEqual([...ids.slice(-6)], wanted);
    assert.deepEqual(
      places,
      wanted.map((_, i) => ids.length - 6 + i),
    );
    assert.deepEqual(answer.layout, { length: 6, spans: [[0, 2]] });
    assert.deepEqual(answer.spans, [{ positions: [0, 2], truth: [3, 9] }]);
  });

  it('pairs times with space between them only, and puts the earlier one first', () => {
    const { answer } = example('<t9> <t3>; <t1> and <t2><t4>  <t5> <t0>');
    const at = (index: number) => answer.ids.indexOf(smallIds.reserved + index);
    assert.deepEqual(answer.spans, [
      { positions: [at(9), at(3)], truth: [3, 9] },
      { positions: [at(2), at(4)], truth: [2, 4] },
      { positions: [at(5), at(0)], truth: [0, 5] },
    ]);
    // The lonely one is a time all the same.
    assert.deepEqual(answer.layout.spans.slice(3), [[at(1), at(1)]]);
    assert.deepEqual(example('<t7>').answer.layout.spans, [[0, 0]]);
    assert.deepEqual(example('jump').answer.layout.spans, []);
  });

  it('has the marks of the template as targets too where LLaDA-V’s code has', () => {
    const { ids, places, answer } = example('<t3> <t9>', '<t1> <t2>?', 'llada-v');
    assert.equal(places[0], 0);
    assert.equal(answer.ids[0], smallIds.bos);
    assert.ok(places.length > example('<t3> <t9>').places.length);
    for (const [i, place] of places.entries()) assert.equal(ids[place], answer.ids[i]);
    // Times of the question are none of the answer.
    assert.equal(answer.spans.length, 1);
    assert.deepEqual(answer.spans[0]!.truth, [3, 9]);
    const [start, end] = answer.spans[0]!.positions;
    assert.deepEqual([answer.ids[start], answer.ids[end]], [times.id(3), times.id(9)]);
  });

  it('has no id of a vocabulary where visual tokens stand', () => {
    const { ids } = example('jump', 'see <image>');
    assert.deepEqual(
      [...ids].filter((id) => id > 2 ** 31),
      [VISUAL_ID + 2 ** 32],
    );
  });
});
