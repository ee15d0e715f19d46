import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NumericArray } from '../../src/data/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/safetensors.js';
import { FileFormatError, ReleasedError } from '../../src/errors.js';
import { constantInitial } from '../../src/nn/initial.js';
import { Linear } from '../../src/nn/linear.js';
import { Module } from '../../src/nn/module.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import { testRuntime } from '../support/runtime.js';

class Net extends Module {
  readonly scale;
  readonly blocks: readonly Linear[];

  constructor(runtime: Runtime) {
    super(runtime);
    this.blocks = [0, 1].map((i) => this.child(`blocks.${i}.fc`, new Linear(runtime, 2, 2)));
    this.scale = this.parameter('scale', [2], constantInitial(1));
  }
}

const shapes = {
  scale: [2],
  'blocks.0.fc.weight': [2, 2],
  'blocks.0.fc.bias': [2],
  'blocks.1.fc.weight': [2, 2],
  'blocks.1.fc.bias': [2],
};

function arrays(shapesByName: Record<string, number[]>, value = 1): Record<string, NumericArray> {
  return Object.fromEntries(
    Object.entries(shapesByName).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { dtype: 'f32', shape, data: new Float32Array(size).fill(value) }];
    }),
  );
}

const checkpoint = (tensors: Record<string, NumericArray>) =>
  openSafetensors(encodeSafetensors(tensors), 'net');

const runtime = await testRuntime();

describe('module', () => {
  it('names its weights as a state dict does, children below their names', () => {
    const names = [...new Net(runtime).parameters()].map(([name, { shape }]) => [name, shape]);
    assert.deepEqual(Object.fromEntries(names), shapes);
  });

  it('loads its weights, again over the old ones, and frees them', async () => {
    const { usedBytes } = runtime.memory;
    const net = new Net(runtime);
    await net.load(await checkpoint(arrays(shapes, 1)));
    const loaded = runtime.memory.usedBytes;
    await net.load(await checkpoint(arrays(shapes, 2)));
    assert.equal(runtime.memory.usedBytes, loaded);
    assert.deepEqual([...(await net.scale.tensor.read())], [2, 2]);
    const x = runtime.tensor([1, 1], [1, 2]);
    const y = net.blocks[1]!.forward(x);
    assert.deepEqual([...(await y.read())], [6, 6]);
    for (const each of [net, net, x, y]) each.dispose();
    assert.equal(runtime.memory.usedBytes, usedBytes);
    assert.throws(() => net.scale.tensor, ReleasedError);
  });

  it('has no weights before they are loaded', () => {
    assert.throws(() => new Linear(runtime, 2, 2).forward(runtime.zeros([1, 2])), ReleasedError);
  });

  it('refuses a checkpoint that does not fit with all that is wrong in one error, and loads nothing', async () => {
    const { usedBytes } = runtime.memory;
    const net = new Net(runtime);
    const { scale: _, ...others } = arrays(shapes);
    const wrong = { ...others, ...arrays({ 'blocks.0.fc.bias': [3], 'blocks.2.fc.bias': [2], head: [1] }) };
    await assert.rejects(net.load(await checkpoint(wrong)), (error) => {
      assert.ok(error instanceof FileFormatError);
      for (const part of [
        /net does not fit/,
        /1 missing: scale \[2\]/,
        /1 of another shape: blocks\.0\.fc\.bias is \[3\], wanted \[2\]/,
        /2 not of this model: blocks\.2\.fc\.bias, head/,
      ]) {
        assert.match(error.message, part);
      }
      return true;
    });
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });

  it('refuses weights that are not numbers', async () => {
    const net = new Net(runtime);
    const damaged = arrays(shapes);
    (damaged['blocks.1.fc.bias']!.data as Float32Array)[1] = Number.NaN;
    await assert.rejects(net.load(await checkpoint(damaged)), /blocks\.1\.fc\.bias holds NaN/);
    net.dispose();
  });
});
