import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { inChunks, rowsAtOnce } from '../../src/nn/chunks.js';
import { LinearFactory } from '../../src/nn/linear-factory.js';
import { add } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

describe('chunks of rows', () => {
  it('are few and alike, and begin where every device can bind them', () => {
    assert.equal(rowsAtOnce(2 ** 12, 4096, 2 ** 12), 2 ** 12);
    assert.equal(rowsAtOnce(2 ** 12 + 1, 4096, 2 ** 12), 2 ** 11 + 1);
    assert.equal(rowsAtOnce(2 ** 12 + 1, 24, 2 ** 12), 2 ** 11 + 8);
    assert.equal(rowsAtOnce(2 ** 12 + 1, 1, 2 ** 12), 2 ** 11 + 64);
    assert.equal(rowsAtOnce(3, 1, 2 ** 26), 3);
  });

  it('give bit for bit what all rows together give, from a fraction of the memory', async () => {
    const [widest, width] = [2 ** 21, 20];
    const layer = new LinearFactory(runtime, 'f32').linear(width, width);
    layer.initialize(1);
    const x = runtime.tensor(
      Float32Array.from({ length: 2 * 37 * width }, (_, i) => Math.sin(i)),
      [2, 37, width],
    );
    const lengths: number[] = [];
    const forward = (rows: Tensor) => {
      lengths.push(rows.size / width);
      return add(rows, layer.forward(rows, { activation: 'silu' }));
    };
    const parts = inChunks(x, widest, forward);
    assert.deepEqual(parts.shape, x.shape);
    assert.deepEqual(await parts.read(), await forward(x).read());
    assert.deepEqual(lengths.splice(0), [16, 16, 16, 16, 10, 74]);
    const { gradients } = valueAndGrad({ x }, () => sum(inChunks(x, widest, forward)));
    assert.deepEqual(lengths, [74], 'what gradients need is kept at once');
    assert.ok((await gradients.x.read()).every((number) => number !== 0));
  });
});
