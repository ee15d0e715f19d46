import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTimedText } from '../../src/data/text/timed-text.js';
import { OptionError } from '../../src/errors.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';

const times = new TimeTokens();

test('a time is the nearest of 100 tokens, halves to the even one, and a token is a time to hundredths', () => {
  assert.equal(times.encode(0, 60), 0);
  assert.equal(times.encode(60, 60), 99);
  assert.equal(times.encode(30, 60), 50, '49.5 goes up to 50');
  assert.equal(times.encode(1, 198), 0, '0.5 goes down to 0');
  assert.equal(times.encode(3, 198), 2, '1.5 goes up to 2');
  assert.equal(times.encode(0.6, 60), 1);
  assert.equal(times.decode(0, 60), 0);
  assert.equal(times.decode(99, 60), 60);
  assert.equal(times.decode(50, 60), 30.3);
  assert.equal(times.decode(12, 82.73), 10.03);
  assert.equal(times.decode(99, 10.004), 10);
  assert.equal(times.decode(99, 10.006), 10.006, 'rounding does not lengthen the video');
});

test('times outside the video are at its ends', () => {
  assert.equal(times.encode(-3, 10), 0);
  assert.equal(times.encode(10.4, 10), 99);
});

test('encoding is off by half a token at most, and undone by decoding but for that', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 300 }),
      fc.double({ min: 5, max: 3000, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (count, duration, share) => {
        const few = new TimeTokens({ count });
        const index = few.encode(share * duration, duration);
        assert.ok(Math.abs(index - (count - 1) * share) <= 0.5 + 1e-9);
        const seconds = few.decode(index, duration);
        assert.ok(seconds >= 0 && seconds <= duration);
        assert.ok(Math.abs(seconds - share * duration) <= duration / (count - 1) / 2 + 0.0051);
        // Hundredths tell tokens of so long a video apart.
        if (duration / count > 0.02) assert.equal(few.encode(seconds, duration), index);
      },
    ),
  );
});

test('ids from the first one on', () => {
  assert.equal(times.id(0), 126_084);
  assert.equal(times.id(99), 126_183);
  const moved = new TimeTokens({ count: 3, firstId: 126_100 });
  assert.deepEqual(
    [126_099, 126_100, 126_102, 126_103].map((id) => moved.indexOf(id)),
    [undefined, 0, 2, undefined],
  );
});

test('texts with tokens, and with seconds', () => {
  assert.deepEqual(times.split('<t0> <t99>it <t100><t07> ends<t5>'), [0, ' ', 99, 'it <t100><t07> ends', 5]);
  assert.deepEqual(times.split(''), []);
  assert.equal(times.write(['from ', 0, ' to ', 30, ', not ', 90], 60), 'from <t0> to <t50>, not <t99>');
  assert.deepEqual(times.read('<t50> or <31.5>', 60), [30.3, ' or ', 31.5]);
  assert.deepEqual(parseTimedText('<12.5><3.> <.25>, <7> <-1> < 2> <1.2.3> <x>'), [
    12.5,
    3,
    ' ',
    0.25,
    ', ',
    7,
    ' <-1> < 2> <1.2.3> <x>',
  ]);
});

test('what is split is whole again when written', () => {
  const piece = fc.oneof(fc.nat(120), fc.constantFrom('<t', '>', '<t1', ' ', 'a', '<', '<t<t3>'));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.map((one) => (typeof one === 'number' ? `<t${one}>` : one)).join('');
      const parts = times.split(text);
      const written = parts.map((part) => (typeof part === 'number' ? times.text(part) : part));
      assert.equal(written.join(''), text);
      for (const part of parts) {
        if (typeof part === 'string') assert.deepEqual(times.split(part), [part]);
        assert.notEqual(part, '');
      }
    }),
  );
});

test('refuses what is no token, no time or no video', () => {
  const refused: (() => unknown)[] = [
    () => new TimeTokens({ count: 1 }),
    () => new TimeTokens({ count: 2.5 }),
    () => new TimeTokens({ firstId: -1 }),
    () => times.encode(Number.NaN, 10),
    () => times.encode(1, 0),
    () => times.encode(1, Infinity),
    () => times.decode(100, 10),
    () => times.decode(-1, 10),
    () => times.decode(1, Number.NaN),
    () => times.id(1.5),
    () => times.text(100),
  ];
  for (const call of refused) assert.throws(call, OptionError);
});
