import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toFloat32, viewBytes } from '../../src/data/formats/array.js';

const one = (dtype: Parameters<typeof viewBytes>[0], ...bytes: number[]) =>
  toFloat32({ dtype, shape: [1], data: viewBytes(dtype, Uint8Array.from(bytes)) })[0];

test('halves: zero, subnormal, normal, largest, infinite, NaN', () => {
  assert.ok(Object.is(one('f16', 0x00, 0x80), -0));
  assert.equal(one('f16', 0x01, 0x00), 2 ** -24);
  assert.equal(one('f16', 0xff, 0x03), 1023 * 2 ** -24);
  assert.equal(one('f16', 0x00, 0x3c), 1);
  assert.equal(one('f16', 0xff, 0xfb), -65504);
  assert.equal(one('f16', 0x00, 0xfc), -Infinity);
  assert.ok(Number.isNaN(one('f16', 0x01, 0x7e)));
});

test('bf16 is the upper half of f32', () => {
  assert.equal(one('bf16', 0x49, 0x40), 3.140625);
  assert.equal(one('bf16', 0x80, 0xff), -Infinity);
});

test('integers, booleans and f64 convert by value', () => {
  assert.equal(one('i64', 254, 255, 255, 255, 255, 255, 255, 255), -2);
  assert.equal(one('u16', 0xff, 0xff), 65535);
  assert.equal(one('bool', 1), 1);
  const wide = toFloat32({ dtype: 'f64', shape: [2], data: Float64Array.of(0.1, 1e300) });
  assert.deepEqual([...wide], [Math.fround(0.1), Infinity]);
});

test('bytes at any offset can be viewed', () => {
  fc.assert(
    fc.property(fc.float32Array(), fc.nat(7), (values, offset) => {
      const bytes = new Uint8Array(values.byteLength + offset);
      bytes.set(new Uint8Array(values.buffer), offset);
      assert.deepEqual(viewBytes('f32', bytes.subarray(offset)), values);
    }),
  );
});

test('bytes of a Buffer can be viewed at any offset too', () => {
  const bytes = Buffer.from([9, 0, 0, 128, 63]).subarray(1);
  assert.deepEqual(viewBytes('f32', bytes), Float32Array.of(1));
});
