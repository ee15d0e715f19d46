import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import type { NumericArray } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { FileFormatError, ShapeError } from '../../src/errors.js';
import { Module } from '../../src/nn/module.js';
import { BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RmsNorm } from '../../src/nn/norm.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

const f32 = (...values: number[]): NumericArray => ({
  dtype: 'f32',
  shape: [values.length],
  data: Float32Array.from(values),
});

const checkpoint = (tensors: Record<string, NumericArray>) =>
  openSafetensors(encodeSafetensors(tensors), 'x');

const statistics = {
  weight: f32(2, 3),
  bias: f32(0, 1),
  running_mean: f32(1, 2),
  running_var: f32(4, 9),
};
const tracked: NumericArray = { dtype: 'i64', shape: [], data: BigInt64Array.of(7n) };

const close = async (actual: { read(): Promise<ArrayLike<number>> }, expected: number[]) => {
  const values = await actual.read();
  assert.equal(values.length, expected.length);
  assert.ok(relativeError(values, expected) < 1e-6, `${[...Array.from(values)]} is not ${expected}`);
};

describe('norm layers', () => {
  it('BatchNorm loads PyTorch’s state dict, with or without num_batches_tracked', async () => {
    for (const extra of [{}, { num_batches_tracked: tracked }]) {
      const layer = new BatchNorm1d(runtime, 2, { eps: 0 });
      await layer.load(await checkpoint({ ...statistics, ...extra }));
      const x = runtime.tensor([1, 5, 2, 5], [2, 2]);
      await close(layer.forward(x), [0, 4, 1, 4]);
      await close(layer.forward(runtime.tensor([1, 3, 2, 8], [1, 2, 2])), [0, 2, 1, 7]);
      assert.throws(() => layer.forward(x.reshape([1, 2, 2, 1])), ShapeError);
      layer.dispose();
    }
  });

  it('num_batches_tracked is ignored inside children too, other extra tensors are refused', async () => {
    class Block extends Module {
      readonly norm = this.child('bn', new BatchNorm2d(this.runtime, 2, { eps: 0, activation: 'relu' }));
    }
    const named = Object.fromEntries(
      Object.entries(statistics).map(([name, value]) => [`bn.${name}`, value]),
    );
    const block = new Block(runtime);
    await block.load(await checkpoint({ ...named, 'bn.num_batches_tracked': tracked }));
    await close(block.norm.forward(runtime.tensor([-1, 5], [1, 2, 1, 1])), [0, 4]);
    await assert.rejects(
      block.load(await checkpoint({ ...named, num_batches_tracked: tracked })),
      (error) => {
        return error instanceof FileFormatError && error.message.includes('num_batches_tracked');
      },
    );
  });

  it('LayerNorm, GroupNorm and RmsNorm', async () => {
    const affine = { weight: f32(1, 2, 1, 2), bias: f32(0, 0, 1, 1) };
    const row = [-1, 1, -1, 1];

    const layer = new LayerNorm(runtime, 4, { eps: 0 });
    await layer.load(await checkpoint(affine));
    await close(layer.forward(runtime.tensor(row, [1, 4])), [-1, 2, 0, 3]);
    const style = {
      scale: runtime.tensor([1, 0, 0, 0], [1, 4]),
      shift: runtime.tensor([0, 0, 0, 5], [1, 4]),
    };
    await close(layer.forward(runtime.tensor(row, [1, 4]), style), [-2, 2, 0, 8]);

    const group = new GroupNorm(runtime, 2, 4, { eps: 0 });
    await group.load(await checkpoint(affine));
    await close(group.forward(runtime.tensor([1, 3, 5, 9], [1, 4])), [-1, 2, 0, 3]);

    const rms = new RmsNorm(runtime, 4, { eps: 0 });
    await rms.load(await checkpoint({ weight: affine.weight }));
    await close(rms.forward(runtime.tensor([3, 3, -3, 3], [1, 4])), [1, 2, -1, 2]);

    const bare = new LayerNorm(runtime, 4, { affine: false, eps: 0 });
    assert.equal([...bare.parameters()].length, 0);
    await close(bare.forward(runtime.tensor([2, 4, 2, 4], [1, 4])), row);
  });
});
