import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { arange, crossEntropy, meanSquaredError, oneHot } from '../../src/ops/index.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

function near(actual: ArrayLike<number>, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${Array.from(actual)} is not ${expected}`);
  });
}

describe('crossEntropy', () => {
  const logits = runtime.tensor([1, 2, 3, 0, 0, 0, 100, -100, 0, 5, 5, 5], [2, 2, 3]);
  // The last target is none of the classes.
  const targets = runtime.tensor([2, 0, 1, 7], [2, 2], 'u32');
  const rows = [Math.log(Math.exp(-2) + Math.exp(-1) + 1), Math.log(3), 200, 0];
  const total = rows[0]! + rows[1]! + rows[2]!;

  it('is the loss of each row, their sum, and the mean of those that count', async () => {
    near(await crossEntropy({ logits, targets }, { reduction: 'none' }).read(), rows);
    near(await crossEntropy({ logits, targets }, { reduction: 'sum' }).read(), [Math.fround(total)]);
    near(await crossEntropy({ logits, targets }).read(), [Math.fround(total / 3)]);
    const none = runtime.tensor([9], [1], 'u32');
    near(await crossEntropy({ logits: runtime.tensor([1, 2], [1, 2]), targets: none }).read(), [0]);
  });

  it('has the gradient (softmax − one-hot) over the rows that count', async () => {
    const x = runtime.tensor([1, 2, 3, 0, 0, 0], [2, 3]);
    const ids = runtime.tensor([2, 3], [2], 'u32');
    const { gradients } = valueAndGrad({ x }, () => crossEntropy({ logits: x, targets: ids }));
    const sum = Math.exp(-2) + Math.exp(-1) + 1;
    near(await gradients.x.read(), [Math.exp(-2) / sum, Math.exp(-1) / sum, 1 / sum - 1, 0, 0, 0]);
  });

  it('refuses operands that do not belong together', () => {
    const ids = runtime.tensor([1, 2], [2], 'u32');
    assert.throws(() => crossEntropy({ logits, targets: ids }), ShapeError);
    assert.throws(() => crossEntropy({ logits, targets: logits }), DtypeError);
    assert.throws(() => crossEntropy({ logits, targets }, { reduction: 'max' as never }), OptionError);
  });
});

describe('meanSquaredError', () => {
  it('is the mean over all elements, with its gradient', async () => {
    const target = runtime.tensor([1, 2, 3, 4], [2, 2]);
    const x = runtime.tensor([1, 4, 3, 0], [2, 2]);
    const { value, gradients } = valueAndGrad({ x }, () => meanSquaredError({ prediction: x, target }));
    near(await value.read(), [5]);
    near(await gradients.x.read(), [0, 1, 0, -2]);
  });

  it('broadcasts nothing', () => {
    const prediction = runtime.tensor([1, 2]);
    assert.throws(() => meanSquaredError({ prediction, target: runtime.tensor([1]) }), ShapeError);
  });
});

describe('oneHot', () => {
  it('has 1 in the place of each id, and nothing for ids beyond the classes', async () => {
    const ids = runtime.tensor([2, 0, 3], [3, 1], 'u32');
    const rows = oneHot(ids, { classes: 3 });
    assert.deepEqual(rows.shape, [3, 1, 3]);
    assert.deepEqual([...(await rows.read())], [0, 0, 1, 1, 0, 0, 0, 0, 0]);
    const integers = oneHot(runtime.tensor([1], [], 'u32'), { classes: 2, dtype: 'i32' });
    assert.equal(String(integers), 'i32[2]');
    assert.deepEqual([...(await integers.read())], [0, 1]);
    assert.throws(() => oneHot(rows, { classes: 3 }), DtypeError);
  });
});

describe('arange', () => {
  it('counts from start to before end', async () => {
    const values = async (options: Parameters<typeof arange>[1]) => [
      ...(await arange(runtime, options).read()),
    ];
    assert.deepEqual(await values({ end: 4 }), [0, 1, 2, 3]);
    assert.deepEqual(await values({ start: 2, end: -1.5, step: -1 }), [2, 1, 0, -1]);
    assert.deepEqual(await values({ start: 0.5, end: 2, step: 0.5 }), [0.5, 1, 1.5]);
    assert.deepEqual(await values({ start: -2, end: 1, dtype: 'i32' }), [-2, -1, 0]);
    assert.deepEqual(await values({ start: 3, end: -1, step: -1, dtype: 'u32' }), [3, 2, 1, 0]);
    assert.throws(() => arange(runtime, { end: 0 }), ShapeError);
    for (const wrong of [
      { end: 1.5, dtype: 'u32' },
      { start: -1, end: 1, dtype: 'u32' },
      { end: 1, step: 0 },
    ] as const) {
      assert.throws(() => arange(runtime, wrong), OptionError);
    }
  });
});
