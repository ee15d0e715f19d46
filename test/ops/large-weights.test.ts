import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { mul } from '../../src/ops/array/binary.js';
import { embedding } from '../../src/ops/array/gather.js';
import { sum } from '../../src/ops/array/reduce.js';
import { conv2d } from '../../src/ops/conv/conv.js';
import { gatedConv2d, gatedConv2dPartial } from '../../src/ops/conv/gated-conv.js';
import { linear } from '../../src/ops/matmul/matmul.js';
import { quantizedLinear } from '../../src/ops/quantized/quantized-linear.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime({ poison: false });
const { maxStorageBufferBindingSize: limit, maxBufferSize } = runtime.traits.limits;
const skip =
  limit > 2 ** 28 || maxBufferSize < 3 * limit
    ? 'the bindings of this adapter are larger than what the test would fill'
    : false;

/** The smallest even number of rows of that many elements that no binding holds. */
const rowsBeyond = (elements: number) => 2 * Math.ceil((limit / (4 * elements) + 1) / 2);

function uniform(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** Rows at both ends and on both sides of where the parts meet. */
function samples(rows: number): number[] {
  const random = new Random(1);
  const meeting = Math.ceil(rows / 2);
  const near = [0, rows - 1].concat([-3, -2, -1, 0, 1, 2].map((step) => meeting + step));
  return [...near, ...Array.from({ length: 20 }, () => Math.floor(random.uniform() * rows))];
}

function close(actual: number, expected: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) < 2e-4 * (1 + Math.abs(expected)),
    `${what}: ${actual}, not ${expected}`,
  );
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Words of random bits. */
function words(length: number, seed: number): Uint32Array {
  let state = seed;
  return Uint32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state;
  });
}

describe('weights larger than a binding', () => {
  it('of a linear layer and of an embedding', { skip }, async () => {
    const width = 128;
    const rows = rowsBeyond(width);
    const data = uniform(rows * width, 1);
    const row = (i: number) => data.subarray(i * width, (i + 1) * width);
    const weight = runtime.tensor(data, [rows, width]);
    const x = [uniform(width, 2), uniform(width, 3)] as const;
    const bias = uniform(rows, 4);
    const input = runtime.tensor([...x[0], ...x[1]], [2, width]);
    const output = await linear({ input, weight, bias: runtime.tensor(bias) }).read();
    assert.equal(output.length, 2 * rows);
    for (const i of samples(rows)) {
      for (const k of [0, 1])
        close(output[k * rows + i]!, dot(x[k]!, row(i)) + bias[i]!, `row ${i} of ${rows}`);
    }
    const ids = [...samples(rows), rows, 2 ** 32 - 1];
    const found = await embedding({ table: weight, ids: runtime.tensor(ids, [ids.length], 'u32') }).read();
    ids.forEach((id, i) => {
      const expected = id < rows ? row(id) : new Float32Array(width);
      assert.deepEqual(found.slice(i * width, (i + 1) * width), expected.slice(), `id ${id}`);
    });
    weight.dispose();
  });

  it('of a quantised linear layer, and the numbers that its gradient takes', { skip }, async () => {
    const width = 128;
    const rows = rowsBeyond(width / 4);
    const data = words(rows * (width / 4), 1);
    const numbers = new Int8Array(data.buffer);
    const row = (i: number) =>
      Float32Array.from(numbers.subarray(i * width, (i + 1) * width), (q) => q / 128);
    const scales = uniform(rows, 2);
    const weight = {
      values: runtime.tensor(data, [rows, width / 4], 'u32'),
      scales: runtime.tensor(scales, [rows, 1]),
    };
    const x = [uniform(width, 3), uniform(width, 4)] as const;
    const input = runtime.tensor([...x[0], ...x[1]], [2, width]);
    const factors = uniform(rows, 5);
    const format = { bits: 8, group: 128 } as const;
    const output = await quantizedLinear({ input, ...weight }, format).read();
    for (const i of samples(rows)) {
      for (const k of [0, 1]) {
        close(output[k * rows + i]!, dot(x[k]!, row(i)) * scales[i]!, `row ${i} of ${rows}`);
      }
    }
    const { gradients } = valueAndGrad({ input }, () =>
      sum(mul(quantizedLinear({ input, ...weight }, format), runtime.tensor(factors))),
    );
    const expected = new Float64Array(width);
    for (let i = 0; i < rows; i++) {
      const factor = (factors[i]! * scales[i]!) / 128;
      for (let k = 0; k < width; k++) expected[k]! += factor * numbers[i * width + k]!;
    }
    const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / width);
    const found = await gradients.input.read();
    for (let i = 0; i < 2 * width; i++) {
      close(found[i]! / size, expected[i % width]! / size, `gradient of input ${i}`);
    }
    for (const tensor of Object.values(weight)) tensor.dispose();
  });

  it('of a convolution and of a gated one', { skip }, async () => {
    // The map decoder's kernel; with an input of its size each output channel is one dot product.
    const side = 17;
    const channels = 512;
    const taps = channels * side * side;
    const rows = rowsBeyond(taps);
    const [values, gates, image] = [uniform(rows * taps, 1), uniform(rows * taps, 2), uniform(taps, 3)];
    const row = (data: Float32Array, i: number) => data.subarray(i * taps, (i + 1) * taps);
    const weight = runtime.tensor(values, [rows, channels, side, side]);
    const input = runtime.tensor(image, [1, channels, side, side]);
    const bias = uniform(rows, 4);
    const operands = { input, weight, bias: runtime.tensor(bias) };
    const output = await conv2d(operands).read();
    for (const i of samples(rows)) close(output[i]!, dot(row(values, i), image) + bias[i]!, `channel ${i}`);

    const gateWeight = runtime.tensor(gates, weight.shape);
    const gateBias = uniform(rows, 5);
    const gated = { gateWeight, gateBias: runtime.tensor(gateBias) };
    const known = runtime.tensor(image.subarray(0, taps / 2), [1, channels / 2, side, side]);
    const rest = runtime.tensor(image.subarray(taps / 2), [1, channels / 2, side, side]);
    const partial = gatedConv2dPartial(
      { input: rest, weight, gateWeight },
      { firstChannel: channels / 2, padding: 0 },
    );
    const results = [
      gatedConv2d({ ...operands, ...gated }, { padding: 0 }),
      gatedConv2d({ ...operands, ...gated, input: known, partial }, { padding: 0 }),
    ];
    for (const result of results) {
      const data = await result.read();
      for (const i of samples(rows)) {
        const value = dot(row(values, i), image) + bias[i]!;
        close(data[i]!, value * sigmoid(dot(row(gates, i), image) + gateBias[i]!), `gated channel ${i}`);
      }
    }
    const oneGate = { gateWeight: gateWeight.rows(0, 1), gateBias: runtime.tensor(gateBias.slice(0, 1)) };
    const shared = await gatedConv2d({ ...operands, ...oneGate }, { padding: 0 }).read();
    const gate = sigmoid(dot(row(gates, 0), image) + gateBias[0]!);
    for (const i of samples(rows))
      close(shared[i]!, (dot(row(values, i), image) + bias[i]!) * gate, `one gate, ${i}`);
    for (const tensor of [weight, gateWeight]) tensor.dispose();
  });
});
