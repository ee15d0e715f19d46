import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { NumericArray } from '../../src/data/formats/array.js';
import { readNpy, writeNpy } from '../../src/data/formats/npy.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { FileAccessError, FileFormatError, OptionError, ReleasedError } from '../../src/errors.js';
import { constantInitial } from '../../src/nn/initial.js';
import { Linear } from '../../src/nn/linear.js';
import { Module } from '../../src/nn/module.js';
import { saveModel, saveWeights } from '../../src/nn/save-model.js';
import type { WeightDtype } from '../../src/nn/stored-weight.js';
import { mul } from '../../src/ops/array/binary.js';
import { halfBits } from '../../src/tensor/dtype.js';
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

  it('gives a state that is saved as it is, and saved weights make an equal module', async () => {
    const [first, second, third] = [1, 2, 3].map((seed) => new Net(runtime).initialize(seed)) as [
      Net,
      Net,
      Net,
    ];
    const state = await first.state();
    assert.deepEqual(Object.keys(state).sort(), Object.keys(shapes).sort());
    await second.load(await openSafetensors(encodeSafetensors(state)));
    assert.deepEqual(await second.state(), state);
    const weight = state['blocks.0.fc.weight']!;
    assert.deepEqual(readNpy(writeNpy(weight), 'weight'), weight);

    const folder = await mkdtemp(join(tmpdir(), 'save-model-'));
    try {
      await saveModel(folder, first, { width: 2 });
      assert.deepEqual(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')), { width: 2 });
      const saved = await openSafetensors(folder);
      await third.load(saved);
      await saved.close();
      const x = runtime.tensor([1, 2], [1, 2]);
      const outputs = [first, third].map((net) => mul(net.blocks[0]!.forward(x), net.scale.tensor).read());
      assert.deepEqual(await outputs[1], await outputs[0]);

      await saveWeights(folder, 'part.safetensors', first.blocks[1]!, 'blocks.1.fc.');
      const part = await openSafetensors(join(folder, 'part.safetensors'));
      assert.deepEqual(await part.read('blocks.1.fc.bias'), state['blocks.1.fc.bias']);
      await part.close();
      await assert.rejects(saveModel(join(folder, 'absent'), first, {}), FileAccessError);
    } finally {
      await rm(folder, { recursive: true });
    }
    for (const net of [first, second, third]) net.dispose();
    await assert.rejects(first.state(), ReleasedError);
  });

  it('loads what it knows beside tensors of dtypes that are not read', async () => {
    class WithRelic extends Net {
      constructor(runtime: Runtime) {
        super(runtime);
        this.unused('relic');
      }
    }
    const bytes = encodeSafetensors({
      ...arrays(shapes),
      relic: { dtype: 'u8', shape: [4], data: new Uint8Array(4) },
    });
    // The same number of bytes, so that the header keeps its length.
    const text = Buffer.from(bytes).toString('latin1').replace('"U8"', '"F9"');
    const net = new WithRelic(runtime);
    await net.load(await openSafetensors(Uint8Array.from(Buffer.from(text, 'latin1'))));
    net.dispose();
  });

  it('refuses weights that are not numbers', async () => {
    const net = new Net(runtime);
    const damaged = arrays(shapes);
    (damaged['blocks.1.fc.bias']!.data as Float32Array)[1] = Number.NaN;
    await assert.rejects(net.load(await checkpoint(damaged)), /blocks\.1\.fc\.bias holds NaN/);
    net.dispose();
  });
});

/** A matrix alone, of a size that no chunk divides. */
class Matrix extends Module {
  readonly weight;

  constructor(runtime: Runtime, dtype: WeightDtype) {
    super(runtime);
    this.weight = this.parameter('weight', [37, 29], constantInitial(0), dtype);
  }
}

const size = 37 * 29;
/** Numbers that every type holds, and their bits in the types of 16. */
const values = Float32Array.from({ length: size }, (_, i) => ((i % 251) - 125) / 4);
const stored: Record<string, NumericArray['data']> = {
  f32: values,
  f64: Float64Array.from(values),
  f16: Uint16Array.from(values, halfBits),
  bf16: Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16),
};
const matrix = (dtype: string, data = stored[dtype]!) =>
  checkpoint({ weight: { dtype, shape: [37, 29], data } as NumericArray });

describe('weights are loaded in chunks', () => {
  for (const to of ['f32', 'f16'] as const) {
    const skip = to === 'f16' && !runtime.traits.f16 ? 'this adapter has no f16' : false;
    for (const dtype of Object.keys(stored)) {
      it(`from ${dtype} to ${to}`, { skip }, async () => {
        const { usedBytes } = runtime.memory;
        const model = new Matrix(runtime, to);
        for (const chunkBytes of [1, 1000, 2 ** 20]) {
          model.weight.set(new Float32Array(size));
          const done: number[] = [];
          const onProgress = (bytes: number, total: number) => {
            done.push(bytes);
            assert.equal(total, stored[dtype]!.byteLength);
          };
          await model.load(await matrix(dtype), { chunkBytes, onProgress });
          assert.deepEqual(await model.weight.tensor.read(), values);
          assert.equal(done.at(-1), stored[dtype]!.byteLength);
          assert.equal(done.length > 1, chunkBytes < stored[dtype]!.byteLength);
          assert.deepEqual(
            done.toSorted((a, b) => a - b),
            done,
          );
        }
        model.dispose();
        assert.equal(runtime.memory.usedBytes, usedBytes);
      });
    }
  }

  it('and looked at in all of them', async () => {
    const model = new Matrix(runtime, 'f32');
    const bits: Record<string, number> = { f32: Number.NaN, f64: 1e39, f16: 0xfc00, bf16: 0x7f80 };
    for (const [dtype, value] of Object.entries(bits)) {
      const damaged = stored[dtype]!.slice() as Float64Array<ArrayBuffer>;
      damaged[size - 1] = value;
      await assert.rejects(
        model.load(await matrix(dtype, damaged), { chunkBytes: 1000 }),
        (error) => error instanceof FileFormatError && /weight holds NaN or infinity/.test(error.message),
      );
    }
    await assert.rejects(model.load(await matrix('f32'), { chunkBytes: 0 }), OptionError);
    model.dispose();
  });

  it('and refused where f16 cannot hold them', { skip: !runtime.traits.f16 }, async () => {
    const model = new Matrix(runtime, 'f16');
    // The first that rounds to infinity, or 65536 where its bits say no more.
    for (const [dtype, value] of [['f32', 65520] as const, ['bf16', 0xc780] as const]) {
      const large = stored[dtype]!.slice() as Float32Array<ArrayBuffer>;
      large[3] = value;
      await assert.rejects(
        model.load(await matrix(dtype, large)),
        /weight holds a number beyond the range of f16/,
      );
    }
    model.dispose();
  });
});
