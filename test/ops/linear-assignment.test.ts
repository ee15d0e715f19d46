import assert from 'node:assert/strict';
import { it } from 'node:test';
import { linearAssignmentCases } from '../../cases/linear-assignment.js';
import { Random } from '../../cases/support/random.js';
import { DtypeError, ShapeError } from '../../src/errors.js';
import { linearAssignment } from '../../src/ops/assign/linear-assignment.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(linearAssignmentCases);

const runtime = await testRuntime();

/** The least cost of all ways to give each column a row of its own. */
function leastCost(
  cost: readonly (readonly number[])[],
  column = 0,
  taken: ReadonlySet<number> = new Set(),
): number {
  if (column === cost[0]!.length) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [row, costs] of cost.entries()) {
    if (taken.has(row)) continue;
    least = Math.min(least, costs[column]! + leastCost(cost, column + 1, new Set(taken).add(row)));
  }
  return least;
}

it('costs the least of all assignments that there are', async () => {
  const random = new Random(7);
  for (let round = 0; round < 30; round++) {
    const [n, m] = [random.whole(1, 6), random.whole(1, 6)].toSorted((a, b) => b - a) as [number, number];
    // Quarters, so that sums are exact and equal ones are common.
    const costs = Array.from({ length: n }, () => Array.from({ length: m }, () => random.whole(-12, 12) / 4));
    using cost = runtime.tensor(costs.flat(), [1, n, m]);
    const { rows, targets } = linearAssignment({ cost });
    const found = [...(await rows.read())];
    assert.equal(new Set(found).size, m);
    const total = found.reduce((sum, row, target) => sum + costs[row]![target]!, 0);
    assert.equal(total, leastCost(costs), JSON.stringify(costs));
    rows.dispose();
    targets.dispose();
  }
});

it('is the example of scipy.optimize.linear_sum_assignment, and says what has no partner', async () => {
  // rows 0, 1, 2 get columns 1, 0, 2, for 5 in all.
  const cost = runtime.tensor([4, 1, 3, 2, 0, 5, 3, 2, 2, 9, 9, 9], [1, 4, 3]);
  const { rows, targets } = linearAssignment({ cost });
  assert.deepEqual([...(await rows.read())], [1, 0, 2]);
  assert.deepEqual([...(await targets.read())], [1, 0, 2, 3]);
  const some = linearAssignment({ cost, counts: runtime.tensor([1], [1], 'u32') });
  assert.deepEqual([...(await some.rows.read())], [1, 4, 4]);
  assert.deepEqual([...(await some.targets.read())], [3, 0, 3, 3]);
  const more = linearAssignment({ cost, counts: runtime.tensor([7], [1], 'u32') });
  assert.deepEqual([...(await more.rows.read())], [1, 0, 2]);
});

it('takes a pair without a cost only where there is no other way, and the best of the rest', async () => {
  const { NaN: none, POSITIVE_INFINITY: infinite } = Number;
  const cost = runtime.tensor([none, 3, infinite, 5, none, -7, none, 4, -9], [1, 3, 3]);
  const { rows } = linearAssignment({ cost });
  // Target 0 has a cost in row 1 only, target 1 then has 3 or 4 in rows 0 and 2, of which target 2 needs row 2.
  assert.deepEqual([...(await rows.read())], [1, 0, 2]);
  const hopeless = runtime.tensor(new Float32Array(6).fill(Number.NaN), [1, 3, 2]);
  assert.deepEqual([...(await linearAssignment({ cost: hopeless }).rows.read())], [0, 1]);
});

it('refuses what it cannot do', () => {
  assert.throws(() => linearAssignment({ cost: runtime.zeros([1, 2, 3]) }), ShapeError);
  assert.throws(() => linearAssignment({ cost: runtime.zeros([2, 3]) }), ShapeError);
  assert.throws(() => linearAssignment({ cost: runtime.zeros([1, 513, 2]) }), /from m to 512/);
  assert.throws(() => linearAssignment({ cost: runtime.zeros([1, 3, 2], 'u32') }), DtypeError);
  const cost = runtime.zeros([2, 3, 2]);
  assert.throws(() => linearAssignment({ cost, counts: runtime.zeros([3], 'u32') }), ShapeError);
  assert.throws(() => linearAssignment({ cost, counts: runtime.zeros([2]) }), DtypeError);
});
