import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  broadcastToCases,
  concatCases,
  padCases,
  permuteCases,
  placeCases,
  reverseSequenceCases,
  sliceCases,
} from '../../cases/shape-ops.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { testOperation } from '../support/operation.js';
import {
  broadcastTo,
  concat,
  narrow,
  pad,
  permute,
  repeat,
  reverse,
  slice,
  split,
  stack,
  transpose,
} from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(permuteCases);
await testOperation(sliceCases);
await testOperation(placeCases);
await testOperation(broadcastToCases);
await testOperation(concatCases);
await testOperation(padCases);
await testOperation(reverseSequenceCases);

const runtime = await testRuntime();
const x = runtime.tensor([1, 2, 3, 4, 5, 6], [2, 3]);

describe('shape functions', () => {
  it('exchange, cut, join, repeat and reverse axes', async () => {
    assert.deepEqual([...(await transpose(x).read())], [1, 4, 2, 5, 3, 6]);
    assert.deepEqual([...(await reverse(x, -1).read())], [3, 2, 1, 6, 5, 4]);
    assert.deepEqual([...(await narrow(x, 1, 0, 2, 2).read())], [1, 3, 4, 6]);
    const [left, right] = split(x, 1, [1, 2]);
    assert.deepEqual([...(await left!.read())], [1, 4]);
    assert.deepEqual([...(await right!.read())], [2, 3, 5, 6]);
    const stacked = stack([x, x], 1);
    assert.deepEqual(stacked.shape, [2, 2, 3]);
    assert.deepEqual([...(await stacked.read())], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
    const repeated = repeat(x, 1, 2);
    assert.deepEqual(repeated.shape, [2, 6]);
    assert.deepEqual([...(await repeated.read())], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
  });

  it('leave no tensors behind', async () => {
    const before = runtime.memory.usedBytes;
    for (const tensor of [repeat(x, 0, 3), stack([x, x])]) tensor.dispose();
    assert.equal(runtime.memory.usedBytes, before);
  });

  it('refuse what does not fit', () => {
    assert.throws(() => permute(x, [0, 0]), ShapeError);
    assert.throws(() => permute(x, [0]), ShapeError);
    assert.throws(() => transpose(x, 0, 2), ShapeError);
    assert.throws(() => narrow(x, 1, 1, 3), ShapeError);
    assert.throws(() => narrow(x, 1, 0, 2, -1), ShapeError);
    assert.throws(() => slice(x, { starts: [0], sizes: [2] }), ShapeError);
    assert.throws(() => split(x, 1, [1, 1]), ShapeError);
    assert.throws(() => broadcastTo(x, [3, 3]), ShapeError);
    assert.throws(() => broadcastTo(x, [3]), ShapeError);
    assert.throws(() => concat([x, runtime.zeros([3, 3])], 1), ShapeError);
    assert.throws(() => concat([x, runtime.zeros([2, 3], 'u32')], 1), DtypeError);
    assert.throws(() => concat([], 0), OptionError);
    assert.throws(() => stack([], 0), OptionError);
    assert.throws(() => pad(x, { before: [1], after: [1, 1] }), OptionError);
    assert.throws(() => pad(x, { before: [1, -1], after: [1, 1] }), OptionError);
    assert.throws(() => repeat(x, 0, 0), OptionError);
  });
});
