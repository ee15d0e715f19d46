import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkpoint } from '../../src/autograd/checkpoint.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { DtypeError, OptionError, ReleasedError } from '../../src/errors.js';
import { sum } from '../../src/ops/array/reduce.js';
import { softmax } from '../../src/ops/array/softmax.js';
import { relu, scaleShift } from '../../src/ops/array/unary.js';
import { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const traced = await testRuntime({ traceTensors: true });

describe('memory.liveTensors', () => {
  it('counts what is made and not disposed, views included', () => {
    const count = () => runtime.memory.liveTensors;
    const before = count();
    const x = runtime.zeros([2, 3]);
    const view = x.reshape([6]);
    assert.equal(count(), before + 2);
    const y = runtime.scope(() => relu(softmax(x)));
    assert.equal(count(), before + 3);
    for (const tensor of [view, x, y]) tensor.dispose();
    x.dispose();
    assert.equal(count(), before);
  });

  it('goes back to what it was with a capture and where an operation refuses', async () => {
    const before = runtime.memory.liveTensors;
    const x = runtime.zeros([4]);
    const capture = await runtime.capture(() => relu(softmax(x)));
    assert.equal(runtime.memory.liveTensors, before + 2);
    const refused = () => runtime.scope(() => softmax(runtime.zeros([4], 'u32')));
    assert.throws(refused, DtypeError);
    capture.dispose();
    x.dispose();
    assert.equal(runtime.memory.liveTensors, before);
  });
});

describe('liveTensors', () => {
  it('tells shape, type, bytes, operation and place of what is alive', () => {
    const before = traced.liveTensors().length;
    const x = traced.tensor([1, 2, 3, 4], [2, 2]);
    const y = softmax(x);
    const [first, second, ...rest] = traced.liveTensors().slice(before);
    assert.deepEqual(rest, []);
    const { stack, ...made } = first!;
    assert.deepEqual(made, { shape: [2, 2], dtype: 'f32', bytes: 16, operation: undefined });
    assert.equal(second!.operation, 'softmax');
    for (const { stack } of [first!, second!]) {
      assert.ok(stack.includes(fileURLToPath(import.meta.url)), stack);
      assert.doesNotMatch(stack, /^Error|live-tensors\.js:.*\bcallers\b|new Tensor/);
    }
    assert.match(stack.split('\n')[0]!, /runtime\.js/);
    assert.equal(traced.memory.liveTensors, traced.liveTensors().length);
    x.dispose();
    assert.deepEqual(traced.liveTensors().slice(before), [second]);
    y.dispose();
    assert.equal(traced.liveTensors().length, before);
  });

  it('shows what a loop leaves behind', () => {
    const x = traced.zeros([8]);
    const before = traced.liveTensors().length;
    const kept: Tensor[] = [];
    for (let i = 0; i < 3; i++) traced.scope(() => traced.detached(() => kept.push(relu(softmax(x)))));
    const left = traced.liveTensors().slice(before);
    assert.deepEqual(
      left.map(({ operation }) => operation),
      ['softmax', 'unary', 'softmax', 'unary', 'softmax', 'unary'],
    );
  });

  it('leaves the length of the stacks of errors as it was', () => {
    const { stackTraceLimit } = Error;
    traced.zeros([1]).dispose();
    assert.equal(Error.stackTraceLimit, stackTraceLimit);
  });

  it('is refused where nothing is traced, and after the end', async () => {
    assert.throws(
      () => runtime.liveTensors(),
      (error) => error instanceof OptionError && error.message.includes('traceTensors: true'),
    );
    const own = await Runtime.create({ traceTensors: true });
    own.destroy();
    assert.throws(() => own.liveTensors(), ReleasedError);
    await assert.rejects(Runtime.create({ traceTensors: 1 as never }), OptionError);
  });
});

describe('tensors in Maps and Sets', () => {
  it('outlive the scope that returns them', async () => {
    const before = runtime.memory.liveTensors;
    const { byName, set } = runtime.scope(() => {
      const [a, b, c, lost] = [1, 2, 3, 4].map((value) => runtime.tensor([value]));
      return {
        byName: new Map<unknown, unknown>([
          ['a', a],
          [b, [c]],
        ]),
        set: new Set([relu(lost!)]),
      };
    });
    const [b] = [...byName.keys()].slice(1) as [Tensor];
    const [c] = byName.get(b) as [Tensor];
    const tensors = [byName.get('a') as Tensor, b, c, ...set];
    assert.equal(runtime.memory.liveTensors, before + 4);
    assert.deepEqual(
      await Promise.all(tensors.map(async (tensor) => (await tensor.read())[0])),
      [1, 2, 3, 4],
    );
    for (const tensor of tensors) tensor.dispose();
    assert.equal(runtime.memory.liveTensors, before);
  });

  it('are outputs of a capture, and go with it', async () => {
    const x = runtime.tensor([-1, 2]);
    const before = runtime.memory.liveTensors;
    const capture = await runtime.capture(() => new Map([['y', relu(x)]]));
    capture.run();
    assert.deepEqual([...(await capture.outputs.get('y')!.read())], [0, 2]);
    capture.dispose();
    assert.equal(runtime.memory.liveTensors, before);
    x.dispose();
  });

  it('are inputs of a checkpoint', async () => {
    const x = runtime.tensor([-1, 2]);
    const double = (given: ReadonlyMap<string, Tensor>) => relu(scaleShift(given.get('x')!, 2, 0));
    const { value, gradients } = valueAndGrad({ x }, () =>
      sum(checkpoint(double, [new Map([['x', scaleShift(x, 3, 0)]])])),
    );
    assert.deepEqual([...(await value.read()), ...(await gradients.x.read())], [12, 0, 6]);
    for (const tensor of [x, value, gradients.x]) tensor.dispose();
  });
});
