import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conv2dCases, conv2dWeightGradientCases } from '../../cases/conv.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { sum } from '../../src/ops/array/reduce.js';
import { conv1d, conv2d } from '../../src/ops/conv/conv.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(conv2dCases);
await testOperation(conv2dWeightGradientCases);

const runtime = await testRuntime();

describe('convolution', () => {
  it('over time', async () => {
    const input = runtime.tensor([1, 2, 3, 4, 5], [1, 1, 5]);
    const weight = runtime.tensor([1, 10, 100], [1, 1, 3]);
    const same = conv1d({ input, weight }, { padding: 'same' });
    assert.deepEqual([...same.shape], [1, 1, 5]);
    assert.deepEqual([...(await same.read())], [210, 321, 432, 543, 54]);
    const strided = conv1d(
      { input, weight, bias: runtime.tensor([-300]) },
      { stride: 2, activation: 'relu' },
    );
    assert.deepEqual([...(await strided.read())], [21, 243]);
    assert.deepEqual([...(await conv1d({ input, weight }, { dilation: 2 }).read())], [531]);
  });

  it('has a gradient with a fused activation', async () => {
    const input = runtime.tensor([1, 2, 3, 4, 5], [1, 1, 5]);
    const weight = runtime.tensor([1, 10, 100], [1, 1, 3]);
    const bias = runtime.tensor([-500]);
    // 321 is too little, 543 passes.
    const { gradients } = valueAndGrad({ input, weight, bias }, () =>
      sum(conv1d({ input, weight, bias }, { stride: 2, activation: 'relu' })),
    );
    assert.deepEqual([...(await gradients.input.read())], [0, 0, 1, 10, 100]);
    assert.deepEqual([...(await gradients.weight.read())], [3, 4, 5]);
    assert.deepEqual([...(await gradients.bias.read())], [1]);
  });

  it('refuses what cannot be', () => {
    const input = runtime.zeros([1, 2, 4, 4]);
    const weight = runtime.zeros([3, 2, 3, 3]);
    assert.throws(() => conv2d({ input, weight: runtime.zeros([3, 1, 3, 3]) }), ShapeError);
    assert.throws(() => conv2d({ input, weight, bias: runtime.zeros([2]) }), ShapeError);
    assert.throws(() => conv2d({ input, weight: runtime.zeros([3, 2, 5, 5]) }), ShapeError);
    assert.throws(() => conv2d({ input: runtime.zeros([2, 4, 4]), weight }), ShapeError);
    assert.throws(() => conv1d({ input, weight }), ShapeError);
    assert.throws(() => conv2d({ input, weight: runtime.zeros([3, 2, 3, 3], 'i32') }), DtypeError);
    assert.throws(() => conv2d({ input, weight }, { stride: 0 }), OptionError);
    assert.throws(() => conv2d({ input, weight }, { padding: [1, -1] }), OptionError);
    assert.throws(() => conv2d({ input, weight }, { dilation: 1.5 }), OptionError);
    assert.throws(
      () => conv2d({ input, weight: runtime.zeros([3, 2, 2, 3]) }, { padding: 'same' }),
      OptionError,
    );
  });
});
