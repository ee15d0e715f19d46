import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DtypeError } from '../../src/errors.js';
import { checkDtype, fromBytes, halfBits, halfValue, toBytes } from '../../src/tensor/dtype.js';

/** Value of half bits straight from the definition of IEEE 754 binary16. */
function defined(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * (fraction / 1024) * 2 ** -14;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** All finite halves from 0 on, whose bits count up. */
const positive = Array.from({ length: 0x7c00 }, (_, bits) => defined(bits));

describe('half precision', () => {
  it('has the defined value for each of the 65,536 bit patterns, and back', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfValue(bits);
      assert.ok(Object.is(value, defined(bits)), `value of ${bits}`);
      assert.equal(halfBits(value), Number.isNaN(value) ? 0x7e00 : bits);
    }
  });

  it('rounds every midpoint between neighbours to the even one, and its neighbours to the nearest', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const middle = (positive[bits]! + positive[bits + 1]!) / 2;
      const even = bits + (bits & 1);
      // One part in 2^50 off the middle: lost if the value went through f32 first.
      const [below, above] = [middle * (1 - 2 ** -50), middle * (1 + 2 ** -50)];
      assert.equal(halfBits(middle), even);
      assert.equal(halfBits(below), bits);
      assert.equal(halfBits(above), bits + 1);
      assert.equal(halfBits(-middle), even | 0x8000);
      assert.equal(halfBits(-above), (bits + 1) | 0x8000);
    }
  });

  it('overflows to infinity from 65520 on, underflows to zero up to 2^-25', () => {
    assert.equal(halfBits(65519.99999), 0x7bff);
    assert.equal(halfBits(65520), 0x7c00);
    assert.equal(halfBits(-1e300), 0xfc00);
    assert.equal(halfBits(Number.NEGATIVE_INFINITY), 0xfc00);
    assert.equal(halfBits(2 ** -25), 0);
    assert.equal(halfBits(-(2 ** -25) * (1 + 2 ** -52)), 0x8001);
    assert.equal(halfBits(Number.MIN_VALUE), 0);
    assert.equal(halfBits(-0), 0x8000);
  });

  it('is the nearest half of any number', () => {
    fc.assert(
      fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (x) => {
        const got = halfValue(halfBits(x));
        const error = Math.abs(got - x);
        const bits = halfBits(Math.abs(x));
        for (const neighbour of [positive[bits - 1], positive[bits + 1]]) {
          if (neighbour !== undefined) assert.ok(error <= Math.abs(neighbour - Math.abs(x)));
        }
      }),
    );
  });
});

describe('bytes of elements', () => {
  it('are padded to four and come back', () => {
    const values = [1, -2, 0.5];
    assert.equal(toBytes(values, 'f16').byteLength, 8);
    assert.deepEqual([...fromBytes(toBytes(values, 'f16').buffer, 'f16', 3)], values);
    assert.deepEqual([...fromBytes(toBytes(values, 'f32').buffer, 'f32', 3)], values);
    assert.deepEqual([...fromBytes(toBytes([7, -8], 'i32').buffer, 'i32', 2)], [7, -8]);
    assert.deepEqual([...fromBytes(toBytes([7, 2 ** 32 - 1], 'u32').buffer, 'u32', 2)], [7, 2 ** 32 - 1]);
  });

  it('are a copy', () => {
    const source = new Float32Array([1, 2]);
    const bytes = toBytes(source, 'f32');
    source[0] = 9;
    assert.equal(new Float32Array(bytes.buffer)[0], 1);
  });

  it('of an unknown type are refused', () => {
    for (const wrong of ['f64', undefined, 4]) assert.throws(() => checkDtype('tensor', wrong), DtypeError);
  });
});
