import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { maskedMeanCases, maskedMeanGradientCases, reduceCases } from '../../cases/reduce.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { maskedMean } from '../../src/ops/array/masked-mean.js';
import { logSumExp, max, mean, min, reduceOperation, sum } from '../../src/ops/array/reduce.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(reduceCases);
await testOperation(maskedMeanCases);
await testOperation(maskedMeanGradientCases);

const runtime = await testRuntime();

describe('reductions', () => {
  it('add up a million elements within the bound, also where every rounding goes one way', async () => {
    const n = 1_000_003;
    const x = runtime.tensor(new Float32Array(n).fill(0.1));
    const expected = Math.fround(0.1) * n;
    const problem = reduceOperation.spec.problem({ x }, { reduction: 'sum' });
    for (const { name: variant } of reduceOperation.legalVariants(runtime.traits, problem)) {
      const [total] = await reduceOperation.run({ x }, { reduction: 'sum' }, { variant }).output.read();
      assert.ok(Math.abs(total! / expected - 1) < 1e-6 * Math.sqrt(n), `${variant}: ${total}`);
    }
  });

  it('reduce all axes unless told otherwise, and count from the end', async () => {
    const x = runtime.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    assert.deepEqual([...(await sum(x).read())], [21]);
    assert.deepEqual(sum(x).shape, []);
    assert.deepEqual([...(await mean(x, { axes: -2 }).read())], [2.5, 3.5, 4.5]);
    assert.deepEqual(mean(x, { axes: [0, -1], keepDims: true }).shape, [1, 1]);
  });

  it('keep infinities and overflow out of logSumExp', async () => {
    const infinity = Number.POSITIVE_INFINITY;
    const x = runtime.tensor([1000, 1000, -infinity, 0, -infinity, -1e30], [2, 3]);
    const [first, second] = await logSumExp(x, { axes: 1 }).read();
    assert.ok(Math.abs(first! - 1000 - Math.LN2) < 1e-3);
    assert.equal(second, 0);
  });

  it('ignore what the mask hides, NaN too, and give 0 without weights', async () => {
    const x = runtime.tensor([1, Number.NaN, 3, 5, 6, 7], [2, 3]);
    const mask = runtime.tensor([1, 0, 1, 0, 0, 0], [2, 3], 'u32');
    assert.deepEqual([...(await maskedMean({ x, mask }, { axis: 1 }).read())], [2, 0]);
  });

  it('refuse what does not fit', () => {
    const x = runtime.zeros([2, 3]);
    assert.throws(() => max(x, { axes: 2 }), ShapeError);
    assert.throws(() => min(runtime.zeros([2], 'u32')), DtypeError);
    assert.throws(() => reduceOperation.run({ x }, { reduction: 'median' as 'sum' }), OptionError);
    assert.throws(() => maskedMean({ x, mask: runtime.zeros([3]) }, { axis: 1 }), ShapeError);
  });
});
