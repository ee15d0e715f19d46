import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { FileAccessError, FileFormatError, OptionError } from '../../src/errors.js';
import { loadTokenizer } from '../../src/models/mdvlm/language/tokenizer.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { damaged } from '../support/damage.js';
import {
  smallIds,
  smallTokenizer,
  smallTokenizerConfig,
  writeTokenizer,
} from '../support/small-tokenizer.js';

const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
after(() => rmSync(folder, { recursive: true }));

const times = new TimeTokens({ count: 20, firstId: smallIds.reserved });
const tokenizer = await loadTokenizer(writeTokenizer(join(folder, 'good')), times);
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];

test('pieces of words, time tokens and special tokens become ids', () => {
  assert.deepEqual(tokenizer.encode('a jump'), [...bytes('a '), smallIds.jump]);
  assert.deepEqual(tokenizer.encode('jum'), [smallIds.ju, ...bytes('m')]);
  assert.deepEqual(tokenizer.encode('at<t0> <t19>'), [
    ...bytes('at'),
    smallIds.reserved,
    32,
    smallIds.reserved + 19,
  ]);
  assert.deepEqual(tokenizer.encode('<t20>'), bytes('<t20>'), 'there are only 20');
  assert.deepEqual(tokenizer.encode('x<|eot_id|>\n\n'), [...bytes('x'), smallIds.eot, smallIds.blank]);
  assert.deepEqual(tokenizer.encode(''), []);
  assert.equal(tokenizer.id('<|mdm_mask|>'), smallIds.mask);
  assert.throws(() => tokenizer.id('<|image|>'), FileFormatError);
});

test('ids become text: time tokens as they are written, without special tokens and ids of nothing', () => {
  const { bos, reserved, jump, eot, mask } = smallIds;
  assert.equal(
    tokenizer.decode([bos, reserved + 3, 32, reserved + 19, jump, mask, 5000, eot]),
    '<t3> <t19>jump',
  );
  assert.equal(tokenizer.decode([]), '');
  assert.equal(tokenizer.decode(bytes(" , it is n 't")), " , it is n 't", 'no space is taken out');
});

test('any text comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.nat(19), (text, index) => {
      fc.pre(!/<t\d+>|<\|/.test(text));
      const timed = `${text}<t${index}>\n\n${text}`;
      assert.equal(tokenizer.decode(tokenizer.encode(timed)), timed);
    }),
  );
});

test('the parsed files do as well as their folder', async () => {
  const parsed = await loadTokenizer({ tokenizer: smallTokenizer(), config: smallTokenizerConfig }, times);
  assert.deepEqual(parsed.encode('jump <t1>'), tokenizer.encode('jump <t1>'));
});

test('time tokens take reserved ids or free ones, no others', async () => {
  const files = { tokenizer: smallTokenizer(), config: smallTokenizerConfig };
  await loadTokenizer(files, new TimeTokens({ firstId: 126_084 }));
  await assert.rejects(
    loadTokenizer(files, new TimeTokens({ count: 10, firstId: smallIds.bos })),
    (error) => error instanceof OptionError && /<t0>.*400.*startoftext/.test(error.message),
  );
});

test('refuses missing files, damaged ones, and a vocabulary without the bytes of a text', async () => {
  await assert.rejects(loadTokenizer(join(folder, 'nowhere')), FileAccessError);
  const broken: [change: (file: ReturnType<typeof smallTokenizer>) => unknown, message: RegExp][] = [
    [() => [], /not an object/],
    [({ model: _, ...rest }) => rest, /model/],
    [({ added_tokens: _, ...rest }) => rest, /added_tokens is missing/],
    [({ decoder: _, ...rest }) => rest, /decoder/],
    [(file) => ({ ...file, model: { ...file.model, type: 'Words' } }), /type is Words/],
    [(file) => ({ ...file, model: { ...file.model, vocab: { a: 'b' } } }), /vocab: a is "b"/],
    [(file) => ({ ...file, added_tokens: [{ id: 3 }] }), /added_tokens\[0\]: content/],
    [(file) => ({ ...file, decoder: { type: 'Rot13' } }), /Rot13/],
  ];
  for (const [change, message] of broken) {
    const path = writeTokenizer(join(folder, 'broken'), change(smallTokenizer()));
    await assert.rejects(loadTokenizer(path, times), (error) => {
      assert.ok(error instanceof FileFormatError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
  const poor = smallTokenizer();
  delete poor.model.vocab.z;
  poor.model.unk_token = '<unk>';
  const poorTokenizer = await loadTokenizer({ tokenizer: poor, config: {} }, times);
  assert.throws(() => poorTokenizer.encode('az'), /no id for "<unk>"/);
  assert.deepEqual(poorTokenizer.encode('a'), [97]);

  const file = new TextEncoder().encode(JSON.stringify(smallTokenizer()));
  await fc.assert(
    fc.asyncProperty(damaged(file), async (content) => {
      const path = writeTokenizer(join(folder, 'damaged'), content);
      await loadTokenizer(path, times).catch((error) =>
        assert.ok(error instanceof FileFormatError || error instanceof OptionError, `${error}`),
      );
    }),
    { numRuns: 60 },
  );
});
