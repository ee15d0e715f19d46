import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ShapeError } from '../../src/errors.js';
import { axisOf, broadcastShapes, checkShape, sameShape, sizeOf } from '../../src/tensor/shape.js';

describe('shapes', () => {
  it('hold the product of their axes; a scalar one element', () => {
    assert.equal(sizeOf([]), 1);
    assert.equal(sizeOf([2, 3, 4]), 24);
    assert.ok(sameShape([2, 3], [2, 3]));
    assert.ok(!sameShape([2, 3], [3, 2]));
    assert.ok(!sameShape([2, 3], [2, 3, 1]));
  });

  it('have whole positive axes and 32-bit indices', () => {
    for (const wrong of [[0], [-1], [2.5], [Number.NaN], [Number.POSITIVE_INFINITY], [2 ** 16, 2 ** 16]]) {
      assert.throws(() => checkShape('empty', wrong), ShapeError, String(wrong));
    }
    checkShape('empty', []);
    checkShape('empty', [2 ** 16, 2 ** 16 - 1]);
  });

  it('count axes from the end when negative', () => {
    assert.equal(axisOf(-1, 3), 2);
    assert.equal(axisOf(0, 3), 0);
    for (const wrong of [3, -4, 0.5]) assert.throws(() => axisOf(wrong, 3), ShapeError);
  });
});

describe('broadcasting', () => {
  it('follows NumPy’s examples', () => {
    assert.deepEqual(broadcastShapes([8, 1, 6, 1], [7, 1, 5]), [8, 7, 6, 5]);
    assert.deepEqual(broadcastShapes([5, 4], []), [5, 4]);
    assert.deepEqual(broadcastShapes([15, 3, 5], [3, 1]), [15, 3, 5]);
    assert.throws(() => broadcastShapes([3], [4]), /\[3\] and \[4\]/);
    assert.throws(() => broadcastShapes([2, 1], [8, 4, 3]), ShapeError);
  });

  it('gives back the full shape whichever axes are set to one or left off in front', () => {
    const axes = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean(), fc.boolean()), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(axes, fc.nat({ max: 5 }), (drawn, dropped) => {
        const full = drawn.map(([size, oneInA, oneInB]) => (oneInA && oneInB ? 1 : size));
        const a = drawn.map(([size, one]) => (one ? 1 : size));
        const b = drawn.map(([size, , one]) => (one ? 1 : size));
        // Leading axes may be missing in b where a has them in full.
        const start = Math.min(
          dropped,
          a.findIndex((size, axis) => size !== full[axis]),
        );
        const shortened = start > 0 ? b.slice(start) : b;
        assert.deepEqual(broadcastShapes(a, shortened), full);
        assert.deepEqual(broadcastShapes(shortened, a), full);
      }),
    );
  });
});
