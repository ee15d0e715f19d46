import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matmulCases } from '../../cases/matmul.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import type { Activation } from '../../src/ops/activation.js';
import { linear, matmul } from '../../src/ops/matmul/matmul.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(matmulCases);

const runtime = await testRuntime();

describe('matmul', () => {
  it('folds the batches of a linear layer into rows', async () => {
    const input = runtime.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
    const weight = runtime.tensor([1, 0, 0, -1, 1, 1], [3, 2]);
    const output = linear({ input, weight, bias: runtime.tensor([0, 10, 0]) }, { activation: 'relu' });
    assert.deepEqual([...output.shape], [2, 2, 3]);
    assert.deepEqual([...(await output.read())], [1, 8, 3, 3, 6, 7, 5, 4, 11, 7, 2, 15]);
  });

  it('refuses operands that do not fit, and names them', () => {
    const a = runtime.zeros([2, 3]);
    assert.throws(() => matmul({ a, b: a }), /matmul: a f32\[2, 3\] has 3 columns, b f32\[2, 3\] has 2 rows/);
    assert.throws(() => matmul({ a, b: runtime.zeros([3]) }), ShapeError);
    assert.throws(() => matmul({ a, b: a, bias: runtime.zeros([3]) }, { transposeB: true }), ShapeError);
    const batched = [runtime.zeros([2, 4, 4]), runtime.zeros([3, 4, 4])] as const;
    assert.throws(() => matmul({ a: batched[0], b: batched[1] }), ShapeError);
    assert.throws(() => matmul({ a, b: runtime.zeros([3, 2], 'u32') }), DtypeError);
    assert.throws(
      () => matmul({ a, b: a }, { transposeB: true, activation: 'rely' as Activation }),
      OptionError,
    );
    assert.throws(
      () => matmul({ a, b: a }, { transposeB: true, activation: 'leaky_relu', negativeSlope: Number.NaN }),
      OptionError,
    );
    assert.throws(() => matmul({ a, b: a }, { transposeB: true, outDtype: 'u32' as 'f32' }), OptionError);
  });
});
