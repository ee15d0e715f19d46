import assert from 'node:assert/strict';
import { it } from 'node:test';
import { argmaxCases, topKCases } from '../../cases/topk.js';
import { GradientTape } from '../../src/autograd/gradient-tape.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { argmax } from '../../src/ops/array/argmax.js';
import { topK } from '../../src/ops/array/topk.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(topKCases);
await testOperation(argmaxCases);

const runtime = await testRuntime();

it('keeps the leading axes', async () => {
  using x = runtime.tensor([1, 3, 2, 5, 5, 4], [1, 2, 3]);
  const { values, indices } = topK(x, 2);
  assert.deepEqual([...values.shape], [1, 2, 2]);
  assert.deepEqual([...(await values.read())], [3, 2, 5, 5]);
  assert.deepEqual([...(await indices.read())], [1, 2, 0, 1]);
  const best = argmax(x);
  assert.deepEqual([...best.shape], [1, 2]);
  assert.deepEqual([...(await best.read())], [1, 0]);
});

it('hands the gradients of the values to the elements they came from', async () => {
  const x = runtime.tensor([1, 3, 2, 5, 5, 4], [2, 3]);
  const tape = new GradientTape(runtime);
  tape.watch(x);
  const { values } = runtime.withTape(tape, () => topK(x, 2));
  const [gradient] = tape.backward([[values, runtime.tensor([10, 20, 30, 40], [2, 2])]], [x]);
  assert.deepEqual([...(await gradient!.read())], [0, 10, 20, 30, 40, 0]);
});

it('refuses what it cannot do', () => {
  using x = runtime.tensor([1, 2, 3]);
  for (const k of [0, 4, 1.5, Number.NaN]) assert.throws(() => topK(x, k), OptionError);
  using scalar = runtime.tensor([1], []);
  assert.throws(() => argmax(scalar), ShapeError);
  using whole = runtime.tensor([1, 2], [2], 'u32');
  assert.throws(() => argmax(whole), DtypeError);
});
