import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { checkpoint } from '../../src/autograd/checkpoint.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { ReleasedError } from '../../src/errors.js';
import { Dropout, DropPath } from '../../src/nn/dropout.js';
import { FeedForward } from '../../src/nn/feed-forward.js';
import { Module } from '../../src/nn/module.js';
import { TransformerBlock } from '../../src/nn/transformer.js';
import { mul } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import { square } from '../../src/ops/array/unary.js';
import { Random } from '../../src/ops/random/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const ones = (...shape: number[]) =>
  runtime.tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape);

async function read(x: Tensor): Promise<Float32Array> {
  const elements = (await x.read()) as Float32Array;
  x.dispose();
  return elements;
}

/** Two layers, of which each has a mask of its own. */
class Pair extends Module {
  readonly first = this.child('first', new Dropout(this.runtime, 0.5));
  readonly second = this.child('second', new Dropout(this.runtime, 0.5));
}

describe('Dropout', () => {
  for (const p of [0.1, 0.5, 0.9]) {
    it(`drops with probability ${p}, and keeps the mean`, async () => {
      using layer = new Dropout(runtime, p).initialize(5).train();
      const count = 2 ** 16;
      const output = await read(layer.forward(ones(256, 256)));
      const kept = output.filter((value) => value !== 0);
      assert.ok(kept.every((value) => Math.abs(value * (1 - p) - 1) < 1e-6));
      // Six standard deviations of the number of those that are kept.
      const deviation = 6 * Math.sqrt(count * p * (1 - p));
      assert.ok(Math.abs(kept.length - count * (1 - p)) < deviation, `${kept.length} of ${count} are kept`);
      const mean = output.reduce((a, b) => a + b, 0) / count;
      const variance = output.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
      assert.ok(Math.abs(mean - 1) < deviation / count / (1 - p), `the mean is ${mean}`);
      assert.ok(Math.abs(variance - p / (1 - p)) < 0.1 * (p / (1 - p)), `the variance is ${variance}`);
    });
  }

  it('changes nothing in inference, and with p = 0', async () => {
    const x = runtime.tensor([1, -2, Number.NaN, Infinity], [4]);
    using inference = new Dropout(runtime, 0.5).initialize(1);
    using never = new Dropout(runtime, 0).train();
    for (const layer of [inference, never]) assert.deepEqual(await read(layer.forward(x)), await x.read());
  });

  it('drops all with p = 1, also what is no number, and all of the gradient', async () => {
    using always = new Dropout(runtime, 1).train();
    const x = runtime.tensor([1, -2, Number.NaN, Infinity], [4]);
    assert.deepEqual(await read(always.forward(x)), new Float32Array(4));
    const { gradients } = valueAndGrad({ x }, () => sum(always.forward(x)));
    assert.deepEqual(await read(gradients.x), new Float32Array(4));
  });

  it('drops infinite numbers', async () => {
    using layer = new Dropout(runtime, 0.5).initialize(1).train();
    const x = runtime.tensor(new Float32Array(64).fill(Infinity), [64]);
    const output = await read(layer.forward(x));
    assert.deepEqual(new Set(output), new Set([0, Infinity]));
  });

  it('has the gradient of what it keeps, over 1 - p', async () => {
    using layer = new Dropout(runtime, 0.75).initialize(2).train();
    const x = ones(8, 8);
    const factors = runtime.tensor(
      Array.from({ length: 64 }, (_, i) => i + 1),
      [8, 8],
    );
    let output: Tensor | undefined;
    const { gradients } = valueAndGrad({ x }, () => {
      const dropped = layer.forward(x);
      output = runtime.detached(() => dropped.reshape([8, 8]));
      return sum(mul(dropped, factors));
    });
    const masks = await read(output!);
    assert.ok(masks.includes(0) && masks.includes(4));
    assert.deepEqual(
      await read(gradients.x),
      masks.map((value, i) => value * (i + 1)),
    );
  });

  it('takes f16', { skip: runtime.traits.f16 ? false : 'the device has no f16' }, async () => {
    using layer = new Dropout(runtime, 0.5).initialize(1).train();
    const output = layer.forward(runtime.tensor(new Float32Array(64).fill(1), [64], 'f16'));
    assert.equal(output.dtype, 'f16');
    assert.deepEqual(new Set(await read(output)), new Set([0, 2]));
  });

  it('needs a seed to train', () => {
    using layer = new Dropout(runtime, 0.5).train();
    assert.throws(() => layer.forward(ones(2)), {
      name: ReleasedError.name,
      message: 'the module has no seed to draw from: call initialize or seedRandom',
    });
  });
});

describe('masks', () => {
  it('are new in each replay of a capture, and the same in two captures of one seed', async () => {
    const x = ones(64);
    const steps = async (seed: number) => {
      using layer = new Dropout(runtime, 0.5).seedRandom(seed).train();
      using capture = await runtime.capture(() => layer.forward(x));
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

  it('are those of the step that seedRandom names', async () => {
    const x = ones(64);
    using layer = new Dropout(runtime, 0.5).train();
    const at = async (seed: number, step: number) => {
      layer.seedRandom(seed, step);
      return String([await read(layer.forward(x)), await read(layer.forward(x))]);
    };
    const all = [await at(1, 0), await at(1, 1), await at(1, 2), await at(2, 0)];
    assert.equal(new Set(all).size, 4);
    assert.equal(await at(1, 1), all[1]);
  });

  it('differ between layers of one model, and from the numbers of a Random of that seed', async () => {
    using pair = new Pair(runtime).seedRandom(7).train();
    using random = new Random(runtime, 7);
    const x = ones(64);
    const masks = [await read(pair.first.forward(x)), await read(pair.second.forward(x))];
    const others = (await read(random.uniform([64]))).map((u) => (u > 0.5 ? 2 : 0));
    assert.equal(new Set([...masks, others].map(String)).size, 3);
  });

  it('are the same where checkpoint computes again, also one in another', async () => {
    const x = ones(4, 6);
    using layer = new FeedForward(runtime, 6, 32, { dropout: 0.5 }).initialize(3).train();
    const twice = (y: Tensor) => layer.forward(layer.forward(y));
    const loss = {
      plain: () => twice(twice(x)),
      checkpoint: () => checkpoint(() => twice(twice(x)), [], Object.values(layer.weights())),
      nested: () =>
        checkpoint(
          () => twice(checkpoint(twice, [x], Object.values(layer.weights()))),
          [],
          Object.values(layer.weights()),
        ),
    };
    const gradients = async (forward: () => Tensor) => {
      layer.seedRandom(4);
      const found = valueAndGrad(layer.weights(), () => sum(square(forward())));
      const after = await read(layer.forward(x));
      const elements = [];
      for (const gradient of Object.values(found.gradients)) elements.push(await read(gradient));
      return { elements, value: await read(found.value), after };
    };
    const { usedBytes } = runtime.memory;
    const expected = await gradients(loss.plain);
    assert.ok(expected.elements.flatMap((part) => [...part]).some((value) => value !== 0));
    for (const again of [loss.checkpoint, loss.nested]) {
      const { elements, value, after } = await gradients(again);
      // The gradients of a weight are added up in another order.
      for (const [i, part] of elements.entries()) {
        assert.ok(relativeError(part, expected.elements[i]!) < 1e-6);
      }
      assert.deepEqual([value, after], [expected.value, expected.after]);
    }
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });
});

describe('DropPath', () => {
  it('drops whole samples', async () => {
    using layer = new DropPath(runtime, 0.5).initialize(1).train();
    const output = await read(layer.forward(ones(64, 3, 2)));
    const samples = Array.from({ length: 64 }, (_, i) => new Set(output.subarray(6 * i, 6 * i + 6)));
    assert.ok(samples.every((values) => values.size === 1));
    const kept = samples.filter((values) => values.has(2)).length;
    assert.ok(kept > 12 && kept < 52, `${kept} of 64 are kept`);
    assert.deepEqual(new Set(output), new Set([0, 2]));
  });

  it('has the gradient of the samples that it keeps', async () => {
    using layer = new DropPath(runtime, 0.5).initialize(1).train();
    const x = ones(16, 2);
    const forward = await read(layer.forward(x));
    layer.seedRandom(1);
    const { gradients } = valueAndGrad({ x }, () => sum(layer.forward(x)));
    assert.deepEqual(await read(gradients.x), forward);
  });
});

it('a block of a Transformer drops in training only', async () => {
  using block = new TransformerBlock(runtime, 8, { heads: 2, intermediate: 12, dropout: 0.5 }).initialize(1);
  const x = runtime.tensor(
    Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    [1, 3, 8],
  );
  const inference = await read(block.forward(x));
  assert.deepEqual(await read(block.forward(x)), inference);
  block.train();
  const trained = [await read(block.forward(x)), await read(block.forward(x))];
  assert.equal(new Set([inference, ...trained].map(String)).size, 3);
});
