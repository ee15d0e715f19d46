import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  commitShares,
  lateStep,
  revisionFractions,
  transferCounts,
  type UnmaskingSchedule,
} from '../../src/diffusion/unmasking.js';
import { OptionError } from '../../src/errors.js';
import { allTokensBut, tokenSet } from '../../src/ops/sampling/decoding.js';

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

it('linear transfer counts are those of LLaDA', () => {
  assert.deepEqual(transferCounts(10, 4), [3, 3, 2, 2]);
  assert.deepEqual(transferCounts(2, 4), [1, 1, 0, 0]);
  assert.deepEqual(transferCounts(0, 2), [0, 0]);
});

it('linear counts are what is left over the steps left, rounded up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 300 }), (masked, steps) => {
      let left = masked;
      for (const [i, count] of transferCounts(masked, steps).entries()) {
        assert.equal(count, Math.ceil(left / (steps - i)));
        left -= count;
      }
      assert.equal(left, 0);
    }),
  );
});

it('every schedule commits all, at least one a step while any are left', () => {
  const schedules: UnmaskingSchedule[] = ['linear', 'cosine', { shift: 3 }, { shift: 0.3 }];
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 500 }),
      fc.integer({ min: 1, max: 100 }),
      fc.constantFrom(...schedules),
      (masked, steps, schedule) => {
        const counts = transferCounts(masked, steps, schedule);
        assert.equal(counts.length, steps);
        assert.equal(sum(counts), masked);
        counts.forEach((count, i) => {
          assert.ok(count > 0 || sum(counts.slice(0, i)) === masked);
        });
      },
    ),
  );
});

it('the schedules differ as they should', () => {
  const half = (schedule: UnmaskingSchedule) => sum(transferCounts(120, 12, schedule).slice(0, 6));
  assert.equal(half('linear'), 60);
  assert.equal(half('cosine'), 35);
  assert.equal(half({ shift: 3 }), 90);
  assert.equal(half({ shift: 1 / 3 }), 30);
  assert.deepEqual([...commitShares(2, { shift: 3 })], [0.75, 1]);
});

it('revisions shrink and leave the last two steps alone', () => {
  assert.deepEqual(revisionFractions(6, 0.4), [0.4, 0.30000000000000004, 0.2, 0.1, 0, 0]);
  assert.deepEqual(revisionFractions(1), [0]);
});

it('late tokens come in the last share of the steps, and in the last one at the latest', () => {
  assert.equal(lateStep(8, 0.25), 6);
  assert.equal(lateStep(8, 1), 0);
  assert.equal(lateStep(8, 0.01), 7);
  assert.equal(lateStep(1, 0.5), 0);
  for (const rho of [0, 1.1, Number.NaN]) assert.throws(() => lateStep(8, rho), OptionError);
});

it('token sets hold one bit an id', () => {
  assert.deepEqual([...tokenSet(70, [0, 33, 69])], [1, 2, 32]);
  assert.deepEqual([...allTokensBut(32, [31, 0])], [0x7ffffffe]);
  assert.throws(() => tokenSet(70, [70]), OptionError);
  assert.throws(() => tokenSet(70, [-1]), OptionError);
});

it('refuses what is no schedule', () => {
  assert.throws(() => transferCounts(4, 0), OptionError);
  assert.throws(() => transferCounts(-1, 2), OptionError);
  assert.throws(() => commitShares(2, { shift: 0 }), OptionError);
  assert.throws(() => commitShares(2, 'sine' as UnmaskingSchedule), OptionError);
  assert.throws(() => revisionFractions(3, 2), OptionError);
});
