import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkArgument,
  checkFields,
  described,
  either,
  flag,
  integer,
  listOf,
  nearest,
  numberIn,
  numbers,
  objectBy,
  oneOf,
  onlyFields,
  optional,
  text,
} from '../../src/arguments.js';
import { OptionError } from '../../src/errors.js';

const refused = (body: () => void, message: string) =>
  assert.throws(body, (error) => {
    assert.ok(error instanceof OptionError, String(error));
    assert.equal(error.message, message);
    return true;
  });

describe('arguments', () => {
  const rules = { keyMask: optional(text), causal: optional(flag), k: integer(1, 8) };

  it('are refused with what was called, the name, what was expected and what came', () => {
    refused(
      () => checkArgument('topK', 'k', 1.5, integer(1, 8)),
      'topK: k must be an integer from 1 to 8, not 1.5',
    );
    refused(
      () => checkArgument('topK', 'k', 2n, integer(1)),
      'topK: k must be an integer of at least 1, not the BigInt 2n',
    );
    refused(
      () => checkArgument('f', 'x', Number.NaN, numberIn(0)),
      'f: x must be a finite number of at least 0, not NaN',
    );
    refused(() => checkArgument('f', 'x', '3', numberIn(0, 1)), 'f: x must be a number from 0 to 1, not "3"');
    refused(() => checkArgument('f', 'kind', 'c', oneOf('a', 'b')), 'f: kind must be a or b, not "c"');
    refused(
      () => checkArgument('f', 'ids', [1, 'a'], listOf(integer(0))),
      'f: ids[1] must be an integer of at least 0, not "a"',
    );
    refused(
      () => checkArgument('f', 'x', null, either(text, flag)),
      'f: x must be a string or true or false, not null',
    );
    refused(
      () => checkArgument('tensor', 'data', [[1], [2]], numbers),
      'tensor: data must be an array or typed array of numbers, not an array of 2 with arrays in it',
    );
    assert.throws(() => checkArgument('tensor', 'data', new BigInt64Array(2), numbers), OptionError);
    checkArgument('tensor', 'data', new Float32Array(2), numbers);
  });

  it('of which one field says which others there are are refused by the rules of its choice', () => {
    const shape = objectBy<'kind', { kind: 'circle'; radius: number } | { kind: 'square'; side: number }>(
      'kind',
      {
        circle: onlyFields({ kind: oneOf('circle'), radius: numberIn(0) }),
        square: onlyFields({ kind: oneOf('square'), side: integer(1) }),
      },
    );
    const wrong = (value: unknown, message: string) =>
      refused(() => checkArgument('f', 'shape', value, shape), `f: ${message}`);
    checkArgument('f', 'shape', { kind: 'circle', radius: 0.5 }, shape);
    wrong({ kind: 'square', side: 0.5 }, 'shape.side must be an integer of at least 1, not 0.5');
    wrong({ kind: 'square', side: 1, radius: 1 }, 'unknown field shape.radius (it takes kind and side)');
    wrong({ kind: 'constructor' }, 'shape.kind must be circle or square, not "constructor"');
    wrong({}, 'shape.kind must be circle or square, not undefined');
    wrong(2, 'shape must be an object with kind and the fields of that kind, not 2');
  });

  it('with unknown names are refused with the nearest known one', () => {
    checkFields('attention', { k: 2 }, rules);
    const known = '(it takes keyMask, causal and k)';
    refused(
      () => checkFields('f', { k: 2, keymask: 'a' }, rules),
      `f: unknown option keymask, did you mean keyMask? ${known}`,
    );
    refused(
      () => checkFields('f', { k: 2, key_mask: 'a' }, rules),
      `f: unknown option key_mask, did you mean keyMask? ${known}`,
    );
    refused(
      () => checkFields('f', { k: 2, casual: true }, rules),
      `f: unknown option casual, did you mean causal? ${known}`,
    );
    refused(
      () => checkFields('f', { k: 2, window: 1 }, rules, 'operand'),
      `f: unknown operand window ${known}`,
    );
    refused(
      () => checkFields('f', { keyMask: 'a' }, rules),
      'f: k must be an integer from 1 to 8, not undefined',
    );
    refused(
      () => checkFields('f', [1], rules),
      'f: the options must be an object with keyMask, causal and k, not an array of 1 numbers',
    );
    assert.throws(() => checkFields('f', new Map(), rules), OptionError);
  });

  it('are described in few words', () => {
    assert.equal(described(undefined), 'undefined');
    assert.equal(described('x'.repeat(100)), `"${'x'.repeat(60)}…"`);
    assert.equal(described({ a: 1, b: 2 }), 'an object with a and b');
    assert.equal(described(Object.create(null)), 'an empty object');
    assert.equal(described(new Float32Array(2)), 'a Float32Array of 8 bytes');
    assert.equal(described(new Map()), 'the Map');
  });

  it('have a nearest name only where one is near', () => {
    assert.equal(nearest('transpose_b', ['transposeA', 'transposeB']), 'transposeB');
    assert.equal(nearest('qurey', ['query', 'key']), 'query');
    assert.equal(nearest('frames', ['query', 'key']), undefined);
  });
});
