import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../src/errors.js';
import { extentErrors } from '../../src/evaluation/extent-errors.js';
import type { Segment } from '../../src/time/segment.js';

/** Counts for one video with true segments of one class, and predictions by falling score. */
function counted(truths: readonly Segment[], found: readonly Segment[], threshold?: number) {
  const labelled = truths.map((segment) => ({ label: 'a', segment }));
  const predictions = found.map((segment, i) => ({ label: 'a', segment, score: -i }));
  const { truths: count, ...errors } = extentErrors(
    new Map([['v', predictions]]),
    new Map([['v', labelled]]),
    threshold,
  );
  assert.equal(count, truths.length);
  return [errors.missed, errors.incomplete, errors.overComplete];
}

describe('extentErrors', () => {
  it('tells parts, wholes and neighbours apart', () => {
    const truth: Segment = [10, 20];
    assert.deepEqual(counted([truth], []), [1, 0, 0]);
    assert.deepEqual(counted([truth], [[0, 10]]), [1, 0, 0]);
    assert.deepEqual(counted([truth], [[10, 20]]), [0, 0, 0]);
    assert.deepEqual(counted([truth], [[12, 16]]), [0, 1, 0]);
    assert.deepEqual(counted([truth], [[0, 40]]), [0, 0, 1]);
    assert.deepEqual(counted([truth], [[18, 28]]), [0, 1, 1]);
    // At the threshold it is neither, and where each side falls short by itself.
    assert.deepEqual(counted([truth], [[10, 15]]), [0, 0, 0]);
    assert.deepEqual(counted([truth], [[0, 20]]), [0, 0, 0]);
    assert.deepEqual(counted([truth], [[10, 16]], 0.7), [0, 1, 0]);
    assert.deepEqual(counted([truth], [[10, 25]], 0.7), [0, 0, 1]);
  });

  it('counts as many predictions as there are true segments, and takes the nearest', () => {
    assert.deepEqual(
      counted(
        [[10, 20]],
        [
          [18, 28],
          [10, 20],
        ],
      ),
      [0, 1, 1],
    );
    assert.deepEqual(
      counted(
        [
          [10, 20],
          [40, 50],
        ],
        [
          [18, 28],
          [10, 20],
        ],
      ),
      [1, 0, 0],
    );
    // One over two of them is over-complete for both.
    assert.deepEqual(
      counted(
        [
          [10, 20],
          [40, 50],
        ],
        [[10, 50]],
      ),
      [0, 0, 2],
    );
  });

  it('looks at the class and at the video', () => {
    const truths = new Map([
      ['v', [{ label: 'a', segment: [0, 10] as const }]],
      ['w', [{ label: 'b', segment: [0, 10] as const }]],
    ]);
    const found = (label: string) => [{ label, segment: [0, 10] as const, score: 1 }];
    const errors = (v: string, w: string) =>
      extentErrors(
        new Map([
          ['v', found(v)],
          ['w', found(w)],
          ['other', found('a')],
        ]),
        truths,
      ).missed;
    assert.equal(errors('a', 'b'), 0);
    assert.equal(errors('b', 'b'), 1);
    assert.equal(errors('b', 'a'), 2);
  });

  it('refuses what is no share', () => {
    assert.throws(() => extentErrors(new Map(), new Map(), 1.5), OptionError);
    assert.throws(() => extentErrors([] as never, new Map()), OptionError);
  });
});
