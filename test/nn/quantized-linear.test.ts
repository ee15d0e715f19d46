import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import type { NumericArray } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { FileFormatError, ReleasedError } from '../../src/errors.js';
import { Linear } from '../../src/nn/linear.js';
import { QuantizedLinear } from '../../src/nn/quantized-linear.js';
import { sum } from '../../src/ops/array/reduce.js';
import { linear } from '../../src/ops/matmul/matmul.js';
import { dequantizeWeight } from '../../src/ops/quantized/dequantize-weight.js';
import { quantizeWeight } from '../../src/ops/quantized/quantize-weight.js';
import { halfBits } from '../../src/tensor/dtype.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const [inputs, outputs] = [70, 9];
const format = { bits: 8, group: 32, scaleDtype: 'f32' } as const;

function normals(seed: number, shape: readonly number[]): Tensor {
  const random = new Random(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return runtime.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

async function close(actual: Tensor, expected: Tensor): Promise<void> {
  assert.deepEqual([...actual.shape], [...expected.shape]);
  const wanted = await expected.read();
  (await actual.read()).forEach((x, i) => {
    assert.ok(Math.abs(x - wanted[i]!) < 1e-4, `element ${i} is ${x}, not ${wanted[i]}`);
  });
}

describe('QuantizedLinear', () => {
  const weight = normals(1, [outputs, inputs]);
  const bias = normals(2, [outputs]);
  const input = normals(3, [2, 3, inputs]);
  const { scaleDtype: _, ...stored } = format;
  const numbers = dequantizeWeight(quantizeWeight(weight, format), { ...stored, columns: inputs });

  it('is the linear layer of the numbers that its weight stands for', async () => {
    const layer = QuantizedLinear.from({ weight, bias }, format);
    const activation = { activation: 'gelu' } as const;
    await close(layer.forward(input, activation), linear({ input, weight: numbers, bias }, activation));
    assert.deepEqual(Object.keys(layer.weights()), ['bias']);
    layer.dispose();
  });

  it('hands gradients on to what it is given, through an activation too', async () => {
    const layer = QuantizedLinear.from({ weight, bias }, format);
    const through = (forward: (x: Tensor) => Tensor) =>
      valueAndGrad({ input }, () => sum(forward(input))).gradients.input;
    await close(
      through((x) => layer.forward(x, { activation: 'silu' })),
      through((x) => linear({ input: x, weight: numbers, bias }, { activation: 'silu' })),
    );
    layer.dispose();
  });

  it('lives beyond the scope that made it, and frees its weight', () => {
    const { usedBytes } = runtime.memory;
    const layer = runtime.scope(() =>
      QuantizedLinear.from({ weight: normals(4, [outputs, inputs]) }, format),
    );
    layer.forward(input).dispose();
    layer.dispose();
    assert.equal(runtime.memory.usedBytes, usedBytes);
    assert.throws(() => layer.forward(input), ReleasedError);
  });
});

describe('a quantised weight is loaded in chunks', () => {
  // Some chunks, a chunk of one size and one of another, and rows that end within words and within groups.
  const [rows, columns] = [300, 45];
  const size = rows * columns;
  /** Numbers that every type holds, and their bits in the types of 16. */
  const values = Float32Array.from({ length: size }, (_, i) => (((i * 37) % 251) - 125) / 4);
  const stored: Record<string, NumericArray['data']> = {
    f32: values,
    f64: Float64Array.from(values),
    f16: Uint16Array.from(values, halfBits),
    bf16: Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16),
  };
  const checkpoint = (dtype: string, data = stored[dtype]!) =>
    openSafetensors(
      encodeSafetensors({ weight: { dtype, shape: [rows, columns], data } as NumericArray }),
      'net',
    );
  const layerOf = (bits: 4 | 8) =>
    new QuantizedLinear(runtime, columns, rows, { bits, group: 32, bias: false });

  for (const bits of [8, 4] as const) {
    it(`into ${bits} bits, from all types`, async () => {
      const { usedBytes } = runtime.memory;
      const layer = layerOf(bits);
      const matrix = runtime.tensor(values, [rows, columns]);
      const whole = quantizeWeight(matrix, { bits, group: 32 });
      for (const dtype of Object.keys(stored)) {
        for (const chunkBytes of [1, 20_000, 2 ** 20]) {
          layer.initialize(1);
          let parts = 0;
          await layer.load(await checkpoint(dtype), { chunkBytes, onProgress: () => parts++ });
          assert.equal(parts > 1, chunkBytes < stored[dtype]!.byteLength);
          assert.deepEqual(await layer.weight.values.read(), await whole.values.read());
          assert.deepEqual(await layer.weight.scales.read(), await whole.scales.read());
        }
      }
      for (const tensor of [matrix, whole.values, whole.scales, layer]) tensor.dispose();
      assert.equal(runtime.memory.usedBytes, usedBytes);
    });
  }

  it('and looked at in all of them', async () => {
    const layer = layerOf(4);
    const bits: Record<string, number> = { f32: Number.NaN, f64: 1e39, f16: 0xfc00, bf16: 0x7f80 };
    for (const [dtype, value] of Object.entries(bits)) {
      const damaged = stored[dtype]!.slice() as Float64Array<ArrayBuffer>;
      damaged[size - 1] = value;
      await assert.rejects(
        layer.load(await checkpoint(dtype, damaged), { chunkBytes: 1000 }),
        (error) =>
          error instanceof FileFormatError && /net: weight holds NaN or infinity/.test(error.message),
      );
    }
    layer.dispose();
  });

  it('and refused where scales of f16 cannot hold them', { skip: !runtime.traits.f16 }, async () => {
    const layer = layerOf(8);
    const large = values.slice();
    large[3] = 65520;
    await assert.rejects(
      layer.load(await checkpoint('f32', large)),
      /weight holds a number beyond the range/,
    );
    large[3] = 65504;
    await layer.load(await checkpoint('f32', large));
    assert.equal((await layer.state()).weight!.data[3], 65504);
    layer.dispose();
  });

  it('and starts from the numbers of a linear layer, quantised', async () => {
    const layer = layerOf(8).initialize(3);
    const linear = new Linear(runtime, columns, rows, { bias: false }).initialize(3);
    const format = { bits: 8, group: 32 } as const;
    const quantized = quantizeWeight(linear.weight, format);
    const numbers = dequantizeWeight(quantized, { ...format, columns });
    assert.deepEqual((await layer.state()).weight!.data, await numbers.read());
    for (const each of [layer, linear, quantized.values, quantized.scales, numbers]) each.dispose();
  });
});
