import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { checkpoint } from '../../src/autograd/checkpoint.js';
import { stopGradient, valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import {
  add,
  argmax,
  cast,
  concat,
  linear,
  matmul,
  mean,
  mul,
  narrow,
  square,
  sub,
  sum,
} from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const random = new Random(11);

function normal(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return runtime.tensor(
    Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

async function read(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, number[]>> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => [name, [...(await tensor.read())]]);
  return Object.fromEntries(await Promise.all(entries));
}

const x = normal(5, 3);
const weights = { first: normal(4, 3), bias: normal(4), second: normal(2, 4) };

/** Two layers on `x`: a value for central differences and for the tape. */
function network({ first, bias, second }: typeof weights): Tensor {
  const hidden = linear({ input: x, weight: first, bias }, { activation: 'silu' });
  return mean(square(linear({ input: hidden, weight: second })));
}

describe('valueAndGrad', () => {
  it('differentiates a network, its fused activation included', async () => {
    const { value, gradients } = valueAndGrad(weights, () => network(weights));
    const host = await read(weights);
    const at = async (changed: typeof host) => {
      const [input] = [await x.read()];
      let total = 0;
      for (let row = 0; row < 5; row++) {
        const hidden = Array.from({ length: 4 }, (_, j) => {
          let y = changed.bias![j]!;
          for (let k = 0; k < 3; k++) y += input[row * 3 + k]! * changed.first![j * 3 + k]!;
          return y / (1 + Math.exp(-y));
        });
        for (let o = 0; o < 2; o++) {
          let y = 0;
          for (let j = 0; j < 4; j++) y += hidden[j]! * changed.second![o * 4 + j]!;
          total += y * y;
        }
      }
      return total / 10;
    };
    assert.ok(Math.abs((await value.read())[0]! / (await at(host)) - 1) < 1e-5);
    for (const [name, gradient] of Object.entries(await read(gradients))) {
      const differences = [];
      for (let i = 0; i < gradient.length; i++) {
        const shifted = async (step: number) =>
          at({ ...host, [name]: host[name]!.map((w, j) => (j === i ? w + step : w)) });
        differences.push(((await shifted(1e-5)) - (await shifted(-1e-5))) / 2e-5);
      }
      assert.ok(relativeError(gradient, differences) < 1e-5, name);
    }
  });

  it('adds up what flows back through several uses, views and branches', async () => {
    const a = runtime.tensor([1, 2, 3, 4], [2, 2]);
    const { gradients } = valueAndGrad({ a }, () => {
      const flat = a.reshape([4]);
      const twice = concat([flat, narrow(flat, 0, 1, 2)], 0);
      return sum(mul(twice, add(twice, 1)));
    });
    // Σ x(x + 1), the middle two counted twice: (2x + 1) and 2(2x + 1).
    assert.deepEqual([...(await gradients.a.read())], [3, 10, 14, 9]);
  });

  it('gives zeros for what the value does not depend on, and stops where it is told to', async () => {
    const [a, b] = [runtime.tensor([2]), runtime.tensor([3])];
    const { gradients } = valueAndGrad({ a, b }, () => sum(mul(a, stopGradient(square(a)))));
    assert.deepEqual([...(await gradients.a.read())], [4]);
    assert.deepEqual([...(await gradients.b.read())], [0]);
  });

  it('keeps what a scope inside frees, and gives all memory back', async () => {
    const before = runtime.memory.usedBytes;
    for (let step = 0; step < 3; step++) {
      runtime.scope(() => {
        const { gradients } = valueAndGrad(weights, () =>
          runtime.scope(() => sum(square(runtime.scope(() => network(weights))))),
        );
        assert.deepEqual(Object.keys(gradients), ['first', 'bias', 'second']);
      });
    }
    assert.equal(runtime.memory.usedBytes, before);
  });

  it('runs in a capture', async () => {
    const a = runtime.tensor([1, -2]);
    const capture = await runtime.capture(
      () => valueAndGrad({ a }, () => sum(mul(square(a), a))).gradients.a,
    );
    capture.run();
    assert.deepEqual([...(await capture.outputs.read())], [3, 12]);
    a.write([2, 3]);
    capture.run();
    assert.deepEqual([...(await capture.outputs.read())], [12, 27]);
    capture.dispose();
  });

  it('says what cannot be differentiated', () => {
    const a = normal(2, 3);
    assert.throws(() => valueAndGrad({}, () => sum(a)), OptionError);
    assert.throws(() => valueAndGrad({ a }, () => square(a)), ShapeError);
    assert.throws(() => valueAndGrad({ a }, () => sum(a.rows(0, 1))), OptionError);
    // What an argmax gives is a constant.
    assert.ok(valueAndGrad({ a }, () => sum(cast(argmax(a), 'f32'))).gradients.a);
  });
});

describe('checkpoint', () => {
  it('gives the gradients, bit for bit, that keeping everything gives', async () => {
    const layers = Array.from({ length: 6 }, () => normal(32, 32));
    const input = normal(64, 32);
    const parameters = Object.fromEntries(layers.map((layer, i) => [`layer${i}`, layer]));
    const half = (from: number) => (h: Tensor) =>
      layers.slice(from, from + 3).reduce((y, b) => mul(matmul({ a: y, b }, { activation: 'tanh' }), 0.5), h);
    const loss = (h: Tensor) => mean(square(sub(h, 1)));
    const plain = valueAndGrad(parameters, () => loss(half(3)(half(0)(input))));
    const saving = valueAndGrad(parameters, () => {
      const middle = checkpoint(half(0), [input], layers.slice(0, 3));
      return loss(checkpoint(half(3), [middle], layers.slice(3)));
    });
    const [wanted, found] = [await read(plain.gradients), await read(saving.gradients)];
    assert.deepEqual(found, wanted);
    assert.ok(Object.values(wanted).every((gradient) => gradient.some((g) => g !== 0)));
  });

  it('takes tensors inside objects, and keeps them until it computes once more', async () => {
    const [a, b] = [normal(3, 2), normal(3, 2)];
    const masked = (x: Tensor, { mask, shift }: { mask: readonly Tensor[]; shift: number }) =>
      add(mul(square(x), mask[0]!), shift);
    const { value, gradients } = valueAndGrad({ a, b }, () => {
      const factors = runtime.scope(() => [mul(b, 2)]);
      const y = checkpoint(masked, [a, { mask: factors, shift: 0.5 }]);
      // A capture, or new tensors, may take their place.
      for (const factor of factors) factor.dispose();
      return sum(y);
    });
    const [x, w] = [await a.read(), await b.read()];
    const near = (found: ArrayLike<number>, wanted: readonly number[]) =>
      assert.ok(relativeError(found, wanted) < 1e-6);
    near(
      await gradients.a.read(),
      [...x].map((v, i) => 4 * v * w[i]!),
    );
    near(
      await gradients.b.read(),
      [...x].map((v) => 2 * v * v),
    );
    near(await value.read(), [[...x].reduce((total, v, i) => total + 2 * v * v * w[i]! + 0.5, 0)]);
  });
});
