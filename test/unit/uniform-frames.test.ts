import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uniformFrames } from '../../src/data/video/uniform-frames.js';
import { OptionError } from '../../src/errors.js';

describe('uniform frames', () => {
  it('are those of NumPy’s linspace', () => {
    assert.deepEqual(uniformFrames(100, 7), [0, 16, 33, 49, 66, 82, 99]);
    assert.deepEqual(uniformFrames(3, 5), [0, 0, 1, 1, 2]);
    assert.deepEqual(uniformFrames(9, 1), [0]);
    assert.deepEqual(uniformFrames(1, 3), [0, 0, 0]);
    // 14 · 2991 / 21 is 1994, but the step is rounded.
    assert.equal(uniformFrames(2992, 22)[14], 1993);
    assert.equal(uniformFrames(2992, 22)[21], 2991);
  });

  it('refuses numbers that are none', () => {
    for (const [total, count] of [
      [0, 4],
      [4, 0],
      [4, 1.5],
      [Number.NaN, 2],
      // More numbers than memory holds.
      [1e9, 1e9],
    ] as const) {
      assert.throws(() => uniformFrames(total, count), OptionError);
    }
  });
});
