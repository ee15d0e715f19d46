import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePng } from '../../src/data/formats/png.js';
import { OptionError } from '../../src/errors.js';
import { decodePng } from '../support/png.js';

test('a PNG file holds the picture', () => {
  const pictures = fc
    .record({
      width: fc.integer({ min: 1, max: 20 }),
      height: fc.integer({ min: 1, max: 20 }),
      channels: fc.constantFrom(1 as const, 3 as const),
    })
    .chain((shape) => {
      const length = shape.width * shape.height * shape.channels;
      return fc.record({
        shape: fc.constant(shape),
        pixels: fc.uint8Array({ minLength: length, maxLength: length }),
      });
    });
  fc.assert(
    fc.property(pictures, ({ shape, pixels }) => {
      const decoded = decodePng(encodePng(pixels, shape));
      assert.deepEqual(decoded, { ...shape, pixels: Uint8Array.from(pixels) });
    }),
  );
});

test('pixels of another number are refused', () => {
  assert.throws(() => encodePng(new Uint8Array(11), { width: 2, height: 2, channels: 3 }), OptionError);
});
