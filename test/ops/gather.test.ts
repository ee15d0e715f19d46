import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatherCases, scatterAddCases, scatterCases } from '../../cases/gather.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { embedding, gather, take } from '../../src/ops/array/gather.js';
import { scatter } from '../../src/ops/array/scatter.js';
import { scatterAdd } from '../../src/ops/array/scatter-add.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(gatherCases);
await testOperation(scatterCases);
await testOperation(scatterAddCases);

const runtime = await testRuntime();
const u32 = (data: number[], shape = [data.length]) => runtime.tensor(data, shape, 'u32');

describe('gather and scatter functions', () => {
  it('look rows up, zeros outside the table', async () => {
    const table = runtime.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
    const rows = embedding({ table, ids: u32([2, 0, 3, 1], [2, 2]) });
    assert.deepEqual(rows.shape, [2, 2, 2]);
    assert.deepEqual([...(await rows.read())], [5, 6, 1, 2, 0, 0, 3, 4]);
    const columns = take({ x: table, ids: u32([1, 1, 0]) }, { axis: -1 });
    assert.deepEqual(columns.shape, [3, 3]);
    assert.deepEqual([...(await columns.read())], [2, 2, 1, 4, 4, 3, 6, 6, 5]);
  });

  it('repeat ids that are shared along one of two leading axes', async () => {
    const x = runtime.tensor([...Array(12).keys()], [2, 2, 3]);
    const out = gather({ x, ids: u32([2, 1], [2, 1, 1]) }, { axis: 2 });
    assert.deepEqual(out.shape, [2, 2, 1]);
    assert.deepEqual([...(await out.read())], [2, 5, 7, 10]);
    const updates = runtime.tensor([1, 2, 3, 4], [2, 2, 1]);
    const sum = scatterAdd({ ids: u32([2, 1], [2, 1, 1]), updates }, { axis: 2, size: 3 });
    assert.deepEqual([...(await sum.read())], [0, 0, 1, 0, 0, 2, 0, 3, 0, 0, 4, 0]);
  });

  it('give the same bits each time', async () => {
    const ids = u32(Array.from({ length: 5000 }, (_, k) => (k * k) % 7));
    const updates = runtime.tensor(Array.from({ length: 5000 }, (_, k) => Math.sin(k) * 10 ** (k % 9)));
    const first = await scatterAdd({ ids, updates }, { axis: 0, size: 7 }).read();
    for (let run = 0; run < 3; run++) {
      assert.deepEqual(await scatterAdd({ ids, updates }, { axis: 0, size: 7 }).read(), first);
    }
  });

  it('leave no tensors behind', () => {
    const x = runtime.zeros([2, 2, 3]);
    const ids = u32([2, 1], [2, 1, 1]);
    const rows = u32([0, 1], [2, 1, 1]);
    const before = runtime.memory.usedBytes;
    gather({ x, ids }, { axis: 2 }).dispose();
    take({ x, ids }, { axis: 1 }).dispose();
    scatterAdd({ x, ids: rows, updates: x }, { axis: 0 }).dispose();
    assert.equal(runtime.memory.usedBytes, before);
  });

  it('refuse what does not fit', () => {
    const x = runtime.zeros([4, 3]);
    const ids = u32([0, 1], [2, 1]);
    assert.throws(() => gather({ x, ids: runtime.zeros([2, 3]) }, { axis: 0 }), DtypeError);
    assert.throws(() => gather({ x, ids: u32([0, 1], [1, 2]) }, { axis: 0 }), ShapeError);
    assert.throws(() => gather({ x, ids: u32([0, 1]) }, { axis: 0 }), ShapeError);
    assert.throws(() => gather({ x, ids }, { axis: 2 }), ShapeError);
    assert.throws(() => embedding({ table: runtime.zeros([3]), ids }), ShapeError);
    assert.throws(() => scatter({ x, ids, updates: runtime.zeros([2, 2]) }, { axis: 0 }), ShapeError);
    assert.throws(
      () => scatter({ x, ids, updates: u32([0, 1, 2, 3, 4, 5], [2, 3]) }, { axis: 0 }),
      DtypeError,
    );
    const updates = runtime.zeros([2, 3]);
    assert.throws(() => scatterAdd({ ids, updates }, { axis: 0 }), OptionError);
    assert.throws(() => scatterAdd({ x, ids, updates }, { axis: 0, size: 4 }), OptionError);
  });
});
