import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lstmCases } from '../../cases/lstm.js';
import { lstmGradientCases } from '../../cases/lstm-gradient.js';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { uploadInputs } from '../../cases/support/tensors.js';
import { DtypeError, OptionError, ShapeError, type TalError } from '../../src/errors.js';
import { narrow } from '../../src/ops/array/slice.js';
import { lstm, lstmOperation } from '../../src/ops/recurrent/lstm.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(lstmCases);
await testOperation(lstmGradientCases);

const runtime = await testRuntime();
const forward = {
  weightIh: runtime.tensor(
    Array.from({ length: 16 * 3 }, (_, i) => Math.sin(i)),
    [16, 3],
  ),
  weightHh: runtime.tensor(
    Array.from({ length: 16 * 4 }, (_, i) => Math.cos(i)),
    [16, 4],
  ),
  biasIh: runtime.tensor(Array.from({ length: 16 }, (_, i) => i / 20)),
  biasHh: runtime.tensor(Array.from({ length: 16 }, (_, i) => -i / 30)),
};
const input = runtime.tensor(
  Array.from({ length: 2 * 9 * 3 }, (_, i) => Math.sin(i * i)),
  [2, 9, 3],
);

describe('lstm', () => {
  it('goes on from a state as if the sequence were one', async () => {
    const whole = lstm({ input, forward });
    const first = lstm({ input: narrow(input, 1, 0, 5), forward });
    const second = lstm({ input: narrow(input, 1, 5, 4), forward, state: first.state });
    const states = [await second.state.read(), await whole.state.read()] as const;
    assert.ok(relativeError(...states) < 1e-6);
    const outputs = [await second.output.read(), await narrow(whole.output, 1, 5, 4).read()] as const;
    assert.ok(relativeError(...outputs) < 1e-6);
  });

  it('gives each row of a batch what it would get alone without padding', async () => {
    const lengths = runtime.tensor([9, 4], [2], 'u32');
    const padded = lstm({ input, forward, reverse: forward, lengths });
    const alone = lstm({
      input: narrow(narrow(input, 0, 1, 1), 1, 0, 4),
      forward,
      reverse: forward,
    });
    const row = await narrow(padded.output, 0, 1, 1).read();
    assert.ok(relativeError(row.subarray(0, 4 * 8), await alone.output.read()) < 1e-6);
    assert.ok(row.subarray(4 * 8).every((value) => value === 0));
    const state = await narrow(padded.state, 1, 1, 1).read();
    assert.ok(relativeError(state, await alone.state.read()) < 1e-6);
  });

  it('keeps all states in workgroup memory only where they fit', () => {
    const bytes = runtime.traits.limits.maxComputeWorkgroupStorageSize;
    const problem = (hidden: number) => ({
      batch: 1,
      time: 1,
      inputs: 1,
      hidden,
      directions: 1,
      dtype: 'f32' as const,
    });
    const legal = (hidden: number) =>
      lstmOperation.legalVariants(runtime.traits, problem(hidden)).map(({ name }) => name);
    assert.ok(legal(256).includes('persistent'));
    assert.ok(!legal(bytes / 12 + 1).includes('persistent'));
    assert.ok(legal(bytes).includes('plain'));
  });

  it('leaves no tensors behind', () => {
    const made = lstmCases.make(
      { batch: 2, time: 3, inputs: 2, hidden: 5, directions: 2, state: true },
      new Random(1),
    );
    const operands = uploadInputs(runtime, made.inputs, 'f32');
    const { usedBytes } = runtime.memory;
    const problem = lstmOperation.spec.problem(operands as never, {});
    for (const { name } of lstmOperation.legalVariants(runtime.traits, problem)) {
      const { output, state } = lstmOperation.run(operands as never, {}, { variant: name });
      output.dispose();
      state.dispose();
      assert.equal(runtime.memory.usedBytes, usedBytes, name);
    }
  });

  it('refuses what does not fit', () => {
    const refuses = (change: object, error: new (message: string) => TalError, message: RegExp) =>
      assert.throws(
        () => lstm({ input, forward, ...change }),
        (thrown) => thrown instanceof error && message.test(thrown.message),
      );
    refuses({ input: runtime.zeros([9, 3]) }, ShapeError, /input/);
    refuses({ input: runtime.zeros([2, 9, 4]) }, ShapeError, /weightIh/);
    refuses({ input: runtime.zeros([2, 9, 3], 'u32') }, DtypeError, /input/);
    refuses({ reverse: { ...forward, biasHh: runtime.zeros([15]) } }, ShapeError, /biasHhReverse/);
    refuses({ reverse: { ...forward, biasHh: undefined } }, OptionError, /reverse: biasHh must be a tensor/);
    refuses({ forward: { ...forward, weightHh: runtime.zeros([16]) } }, ShapeError, /weightHh/);
    refuses({ lengths: runtime.zeros([2]) }, DtypeError, /lengths/);
    refuses({ lengths: runtime.zeros([3], 'u32') }, ShapeError, /lengths/);
    refuses({ state: runtime.zeros([2, 2, 2, 4]) }, ShapeError, /state/);
  });
});
