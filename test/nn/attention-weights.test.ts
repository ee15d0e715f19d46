import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { type AttentionInputs, MultiHeadAttention } from '../../src/nn/multi-head-attention.js';
import { TransformerBlock, type TransformerInputs } from '../../src/nn/transformer.js';
import { greater, mul } from '../../src/ops/array/binary.js';
import { cast } from '../../src/ops/array/cast.js';
import { fill } from '../../src/ops/array/fill.js';
import { sum } from '../../src/ops/array/reduce.js';
import { square } from '../../src/ops/array/unary.js';
import { matmul } from '../../src/ops/matmul/matmul.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const random = new Random(11);
const normal = (...shape: number[]) =>
  runtime.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    shape,
  );
const read = async (x: Tensor) => (await x.read()) as Float32Array;

const [batch, queries, keys, width] = [2, 5, 7, 16];
const query = normal(batch, queries, width);
const key = normal(batch, keys, width);

/** What `forward` computes without probabilities in memory, by the kernels of `attention`. */
describe('attention by its probabilities gives what forward gives', () => {
  const lengths = runtime.tensor([3, 6], [batch], 'u32');
  const turns = runtime.tensor([0, 0, 1, 1, 2, 2, 2, 0, 1, 1, 1, 1, 2, 3], [batch, keys], 'u32');
  const keyMask = runtime.tensor([1, 0, 1, 7, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1], [batch, keys], 'u32');
  const keyWeight = runtime.tensor([0.5, 0, 1, 7, 1e-6, 0.1, 1, 2, 1, 0, 0, 0, 0.3, 1], [batch, keys]);
  const cases: Record<string, AttentionInputs> = {
    'all keys': {},
    'a key mask': { keyMask },
    'a bias of all heads': { bias: normal(batch, 1, queries, keys) },
    'a bias and a key mask': { bias: normal(1, 4, 1, keys), keyMask },
    causal: { mask: { kind: 'causal' } },
    'causal from an offset on, with a key mask': { mask: { kind: 'causal', queryOffset: 2 }, keyMask },
    blocks: { mask: { kind: 'block', blockSize: 3, queryOffset: 1 } },
    'a prefix': { mask: { kind: 'prefix', prefixLength: 4 } },
    'no prefix': { mask: { kind: 'prefix', prefixLength: 0 } },
    'a prefix for each sequence': { mask: { kind: 'prefix', prefixLength: lengths }, keyMask },
    turns: { mask: { kind: 'turns', turns, queryOffset: 2 } },
    'weights of the keys': { keyWeight },
    'weights of the keys, causal': { keyWeight, mask: { kind: 'causal' } },
  };
  for (const keyHeads of [4, 2]) {
    for (const [name, inputs] of Object.entries(cases)) {
      it(`${name}, ${keyHeads} heads of keys`, async () => {
        using layer = new MultiHeadAttention(runtime, width, 4, { keyHeads }).initialize(1);
        const { usedBytes } = runtime.memory;
        const expected = layer.forward(query, { key, ...inputs });
        const { output, weights } = layer.forwardWithWeights(query, { key, ...inputs }, { perHead: true });
        assert.deepEqual(weights.shape, [batch, 4, queries, keys]);
        const error = relativeError(await read(output), await read(expected));
        assert.ok(error < 1e-5, `the output is off by ${error}`);
        const probabilities = await read(weights);
        for (let row = 0; row < probabilities.length; row += keys) {
          const total = probabilities.subarray(row, row + keys).reduce((a, b) => a + b, 0);
          assert.ok(Math.abs(total - 1) < 1e-5, `the probabilities of row ${row / keys} add up to ${total}`);
        }
        for (const tensor of [expected, output, weights]) tensor.dispose();
        assert.equal(runtime.memory.usedBytes, usedBytes);
      });
    }
  }

  it('zeros for a query that attends no key', async () => {
    using layer = new MultiHeadAttention(runtime, width, 4).initialize(1);
    for (const none of [
      { keyMask: runtime.zeros([batch, keys], 'u32') },
      { keyWeight: runtime.zeros([batch, keys]) },
    ]) {
      const { output, weights } = layer.forwardWithWeights(query, { key, ...none });
      assert.ok((await read(weights)).every((p) => p === 0));
      assert.deepEqual(await read(output), await read(layer.forward(query, { key, ...none })));
    }
  });

  it('the gradients too, those of the weights of the keys among them', async () => {
    using layer = new MultiHeadAttention(runtime, width, 4, { keyHeads: 2 }).initialize(1);
    const parameters = { query, key, keyWeight };
    const factors = normal(batch, queries, width);
    const found = (attend: (inputs: AttentionInputs) => Tensor) =>
      valueAndGrad(parameters, () => sum(mul(attend({ key, keyWeight }), factors))).gradients;
    const expected = found((inputs) => layer.forwardWithWeights(query, inputs).output);
    for (const [name, gradient] of Object.entries(found((inputs) => layer.forward(query, inputs)))) {
      const wanted = expected[name as keyof typeof expected];
      const error = relativeError(await read(gradient), await read(wanted));
      assert.ok(error < 1e-5, `${name} is off by ${error}`);
    }
  });
});

describe('a block with weights of keys', () => {
  const x = normal(batch, queries, width);
  const weight = (length: number) =>
    runtime.tensor(
      Float32Array.from({ length: batch * length }, (_, i) => (i % 3) / 2),
      [batch, length],
    );
  const mask = (weight: Tensor) => cast(greater(weight, 0), 'u32');

  it('hides keys of weight 0, and takes equal weights as none', async () => {
    using block = new TransformerBlock(runtime, width, {
      heads: 4,
      intermediate: 8,
      crossAttention: true,
    }).initialize(2);
    const run = (inputs: TransformerInputs) => read(block.forward(x, { memory: key, ...inputs }));
    const plain = await run({});
    const equal = await run({
      keyWeight: fill(runtime, [batch, queries], 0.3),
      memoryWeight: fill(runtime, [batch, keys], 2),
    });
    assert.ok(relativeError(equal, plain) < 1e-6);
    const weighted = await run({ keyWeight: weight(queries), memoryWeight: weight(keys) });
    const masked = await run({ keyMask: mask(weight(queries)), memoryMask: mask(weight(keys)) });
    // The weights are 0, 1/2 and 1: what is left differs from a mask.
    for (const other of [masked, plain]) assert.ok(relativeError(weighted, other) > 1e-3);
    const twice = (length: number) => mul(cast(mask(weight(length)), 'f32'), 2);
    const asMask = await run({ keyWeight: twice(queries), memoryWeight: twice(keys) });
    assert.ok(relativeError(asMask, masked) < 1e-6);
  });
});

describe('dropout of the probabilities', () => {
  const made = (dropout: number) => new MultiHeadAttention(runtime, width, 4, { dropout }).initialize(1);

  it('drops in training only, scales the others, and gives what was multiplied', async () => {
    using layer = made(0.5);
    const kept = await read(layer.forwardWithWeights(query, { key }, { perHead: true }).weights);
    const inference = await read(layer.forward(query, { key }));
    layer.train().seedRandom(3);
    const { output, weights } = layer.forwardWithWeights(query, { key }, { perHead: true });
    const dropped = await read(weights);
    const zeros = dropped.filter((p) => p === 0).length;
    assert.ok(zeros > 0.3 * dropped.length && zeros < 0.7 * dropped.length, `${zeros} of ${dropped.length}`);
    dropped.forEach((p, i) => {
      assert.ok(p === 0 || Math.abs(p - 2 * kept[i]!) < 1e-6, `${p}, not 0 or twice ${kept[i]}`);
    });
    const expected = layer.output(matmul({ a: weights, b: layer.values(key) }));
    assert.ok(relativeError(await read(output), await read(expected)) < 1e-6);
    layer.seedRandom(3);
    assert.deepEqual(await read(layer.forward(query, { key })), await read(output));
    layer.train(false);
    assert.deepEqual(await read(layer.forward(query, { key })), inference);
  });

  it('is another in each replay, and the same in two captures of one seed', async () => {
    const steps = async (seed: number) => {
      using layer = made(0.5).seedRandom(seed).train();
      using capture = await runtime.capture(() => layer.forward(query, { key, mask: { kind: 'causal' } }));
      const found: string[] = [];
      for (let step = 0; step < 3; step++) {
        capture.run();
        found.push(String(await capture.outputs.read()));
      }
      return found;
    };
    const [first, again, other] = [await steps(1), await steps(1), await steps(2)];
    assert.deepEqual(first, again);
    assert.equal(new Set([...first, ...other]).size, 6);
  });

  it('has the gradients of what it keeps', async () => {
    using layer = made(0.3).train();
    const factors = normal(batch, queries, width);
    const parameters: Record<string, Tensor> = { query, key, ...layer.weights() };
    const loss = (at: Record<string, Tensor>) => {
      layer.seedRandom(5);
      return sum(mul(square(layer.forward(at.query!, { key: at.key! })), factors));
    };
    const { gradients } = valueAndGrad(parameters, () => loss(parameters));
    for (const [name, parameter] of Object.entries(parameters)) {
      const before = await read(parameter);
      const gradient = await read(gradients[name]!);
      const direction = before.map(() => random.normal());
      // Along a direction: central differences, with the same numbers dropped.
      const step = 1e-2;
      const valueAt = async (sign: number) => {
        parameter.write(before.map((x, i) => x + sign * step * direction[i]!));
        const [value] = await read(loss(parameters));
        return value!;
      };
      const difference = ((await valueAt(1)) - (await valueAt(-1))) / (2 * step);
      parameter.write(before);
      const slope = gradient.reduce((total, x, i) => total + x * direction[i]!, 0);
      const size = Math.hypot(...gradient) * Math.hypot(...direction);
      assert.ok(
        size > 0 && Math.abs(difference - slope) < 2e-3 * size,
        `${name}: ${slope}, not ${difference}`,
      );
    }
  });
});
