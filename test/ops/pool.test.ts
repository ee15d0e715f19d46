import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  averagePoolCases,
  averagePoolGradientCases,
  maxPoolCases,
  maxPoolGradientCases,
  resizeBilinearCases,
  resizeBilinearGradientCases,
} from '../../cases/pool.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { averagePool, maxPool } from '../../src/ops/image/pool.js';
import { resizeBilinear } from '../../src/ops/image/resize.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(averagePoolCases);
await testOperation(maxPoolCases);
await testOperation(resizeBilinearCases);
await testOperation(averagePoolGradientCases);
await testOperation(maxPoolGradientCases);
await testOperation(resizeBilinearGradientCases);

describe('pools', () => {
  it('the average of a mask is exactly 1 where all of it is', async () => {
    const runtime = await testRuntime();
    for (const kernel of [3, 7, 11, 49]) {
      const mask = runtime.tensor(new Float32Array(2 * kernel).fill(1, 0, 2 * kernel - 1), [
        1,
        1,
        2 * kernel,
      ]);
      const [full, cut] = await averagePool(mask, { kernel }).read();
      assert.equal(full, 1);
      assert.ok(cut! < 1);
    }
  });

  it('refuses what cannot be', async () => {
    const runtime = await testRuntime();
    const row = runtime.zeros([1, 2, 8]);
    assert.throws(() => maxPool(row, { kernel: 9 }), ShapeError);
    assert.throws(() => maxPool(row, { kernel: 3, padding: 2 }), OptionError);
    assert.throws(() => maxPool(row, { kernel: [2, 2] }), OptionError);
    assert.throws(() => averagePool(row, { kernel: 2, stride: 0 }), OptionError);
    assert.throws(() => averagePool(row.reshape([2, 8]), { kernel: 2 }), ShapeError);
    assert.throws(() => averagePool(runtime.zeros([1, 2, 8], 'u32'), { kernel: 2 }), DtypeError);
    assert.throws(() => resizeBilinear(row, { height: 2, width: 2 }), ShapeError);
    assert.throws(() => resizeBilinear(runtime.zeros([1, 1, 2, 2]), { height: 0, width: 2 }), OptionError);
  });
});
