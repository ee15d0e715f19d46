import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cumsumCases } from '../../cases/cumsum.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { cumsum, cumsumOperation } from '../../src/ops/array/cumsum.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(cumsumCases);

const runtime = await testRuntime();

describe('cumsum', () => {
  it('sums along the last axis from its beginning unless told otherwise', async () => {
    const x = runtime.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    assert.deepEqual([...(await cumsum(x).read())], [1, 3, 6, 4, 9, 15]);
    assert.deepEqual([...(await cumsum(x, { reverse: true }).read())], [6, 5, 3, 15, 11, 6]);
    assert.deepEqual([...(await cumsum(x, { axis: 0 }).read())], [1, 2, 3, 5, 7, 9]);
    assert.deepEqual([...(await cumsum(x, { axis: -2, reverse: true }).read())], [5, 7, 9, 4, 5, 6]);
  });

  it('is exact for whole numbers of any length, by each variant', async () => {
    const n = 70_001;
    const x = runtime.tensor(Float32Array.from({ length: n }, (_, i) => i % 3));
    let sum = 0;
    const expected = Float32Array.from({ length: n }, (_, i) => (sum += i % 3));
    const problem = cumsumOperation.problem({ x }, {});
    for (const { name: variant } of cumsumOperation.legalVariants(runtime.traits, problem)) {
      assert.deepEqual(await cumsumOperation.run({ x }, {}, { variant }).output.read(), expected, variant);
    }
  });

  it('refuses other types, axes and options', () => {
    const x = runtime.zeros([2, 3]);
    assert.throws(() => cumsum(runtime.zeros([2], 'u32')), DtypeError);
    assert.throws(() => cumsum(x, { axis: 2 }), ShapeError);
    assert.throws(() => cumsum(x, { axis: 0.5 }), OptionError);
    assert.throws(() => cumsum(x, { exclusive: true } as never), OptionError);
  });
});
