import assert from 'node:assert/strict';
import { it } from 'node:test';
import { alignmentLogLikelihoodCases, alignmentPosteriorCases } from '../../cases/alignment.js';
import { Random } from '../../cases/support/random.js';
import { DtypeError, ShapeError } from '../../src/errors.js';
import { alignmentLogLikelihood, alignmentPosterior } from '../../src/ops/align/alignment.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(alignmentLogLikelihoodCases);
await testOperation(alignmentPosteriorCases);

const runtime = await testRuntime();

/** The paths of T steps through n states, each as the state of every step. */
function paths(steps: number, states: number): number[][] {
  if (steps === 1) return states === 1 ? [[0]] : [];
  const last = states - 1;
  return [...paths(steps - 1, states), ...(last > 0 ? paths(steps - 1, last) : [])].map((path) => [
    ...path,
    last,
  ]);
}

it('adds up all paths, written out one by one', async () => {
  const random = new Random(3);
  for (const [steps, states] of [
    [1, 1],
    [4, 2],
    [6, 3],
    [5, 5],
  ] as const) {
    const scores = Array.from({ length: steps }, () => Array.from({ length: states }, () => random.normal()));
    const weights = paths(steps, states).map((path) => ({
      path,
      weight: Math.exp(path.reduce((sum, state, t) => sum + scores[t]![state]!, 0)),
    }));
    const total = weights.reduce((sum, { weight }) => sum + weight, 0);
    using x = runtime.tensor(scores.flat(), [1, steps, states]);
    const [likelihood] = await alignmentLogLikelihood({ scores: x }).read();
    assert.ok(Math.abs(likelihood! - Math.log(total)) < 1e-5);
    const shares = await alignmentPosterior({ scores: x }).read();
    for (let t = 0; t < steps; t++) {
      for (let j = 0; j < states; j++) {
        const through = weights
          .filter(({ path }) => path[t] === j)
          .reduce((sum, { weight }) => sum + weight, 0);
        assert.ok(Math.abs(shares[t * states + j]! - through / total) < 1e-5, `step ${t}, state ${j}`);
      }
    }
  }
});

it('has no path through more states than steps, or none: 0, and no gradient', async () => {
  using scores = runtime.tensor(new Float32Array(2 * 3 * 4).fill(-1), [2, 3, 4]);
  using counts = runtime.tensor([4, 0], [2], 'u32');
  assert.deepEqual([...(await alignmentLogLikelihood({ scores, counts }).read())], [0, 0]);
  assert.ok((await alignmentPosterior({ scores, counts }).read()).every((share) => share === 0));
});

it('goes round states that must not be', async () => {
  const never = Number.NEGATIVE_INFINITY;
  // State 1 only at step 2.
  using scores = runtime.tensor([0, never, 0, never, 0, 0, 0, never], [1, 4, 2]);
  const [likelihood] = await alignmentLogLikelihood({ scores }).read();
  // A path ends in state 1, but not at the last step: none is left.
  assert.ok(likelihood! < -1e29);
  using open = runtime.tensor([0, never, 0, never, 0, 0, 0, 0], [1, 4, 2]);
  assert.deepEqual([...(await alignmentPosterior({ scores: open }).read())], [1, 0, 1, 0, 0.5, 0.5, 0, 1]);
});

it('refuses other shapes and types', () => {
  const scores = runtime.zeros([2, 3, 4]);
  assert.throws(() => alignmentLogLikelihood({ scores: runtime.zeros([3, 4]) }), ShapeError);
  assert.throws(() => alignmentLogLikelihood({ scores: runtime.zeros([2, 3, 4], 'u32') }), DtypeError);
  assert.throws(() => alignmentPosterior({ scores, counts: runtime.zeros([3], 'u32') }), ShapeError);
  assert.throws(() => alignmentPosterior({ scores, counts: runtime.zeros([2]) }), DtypeError);
});
