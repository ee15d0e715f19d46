import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  commitTokensCases,
  remaskTokensCases,
  spanCandidatesCases,
  tokenCandidatesCases,
} from '../../cases/sampling.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { commitTokens } from '../../src/ops/sampling/commit-tokens.js';
import { decodingState, finishStep, newDecoding, readDecoding } from '../../src/ops/sampling/decoding.js';
import { remaskTokens } from '../../src/ops/sampling/remask-tokens.js';
import { tokenCandidates } from '../../src/ops/sampling/token-candidates.js';
import type { ConfidenceKind } from '../../src/ops/sampling/token-choice.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(tokenCandidatesCases);
await testOperation(commitTokensCases);
await testOperation(remaskTokensCases);
await testOperation(spanCandidatesCases);

const runtime = await testRuntime();
const maskId = 1;

it('Gumbel-max draws from the softmax', async () => {
  const rows = 4096;
  const weights = [0.05, 0, 0.15, 0.3, 0.5];
  const columns = weights.length;
  using logits = runtime.tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.log(weights[i % columns]!)),
    [1, rows, columns],
  );
  using tokens = runtime.tensor(new Uint32Array(rows).fill(maskId), [1, rows], 'u32');
  using state = decodingState(runtime, 5);
  const { candidates, confidence } = tokenCandidates({ logits, tokens, state }, { maskId, temperature: 1 });
  const ids = await candidates.read();
  const counts = weights.map((_, id) => ids.filter((candidate) => candidate === id).length);
  weights.forEach((weight, id) => {
    const deviation = Math.sqrt(rows * weight * (1 - weight));
    assert.ok(Math.abs(counts[id]! - rows * weight) <= 4.5 * deviation, `${id}: ${counts[id]}`);
  });
  (await confidence.read()).forEach((sure, row) => {
    assert.ok(Math.abs(sure - weights[ids[row]!]!) < 1e-6);
  });
});

it('the end of a step moves the state on', async () => {
  using state = decodingState(runtime, 2 ** 40 + 3);
  using tokens = runtime.tensor([9, 1, 1, 1, 1, 1], [1, 6], 'u32');
  const finish = (...next: number[]) => {
    using made = runtime.tensor(next, [1, 6], 'u32');
    finishStep({ tokens, next: made, state }, { maskId, start: 1, blockLength: 2, stepsPerBlock: 2 });
  };
  finish(0, 1, 7, 1, 1, 1);
  assert.deepEqual(await readDecoding(state), { step: 1, block: 0, blockStep: 1, masked: 4 });
  finish(0, 1, 7, 1, 1, 1);
  assert.deepEqual(await readDecoding(state), { step: 2, block: 1, blockStep: 0, masked: 4 });
  finish(0, 7, 7, 7, 7, 1);
  assert.deepEqual(await readDecoding(state), { step: 3, block: 2, blockStep: 0, masked: 1 });
  assert.deepEqual([...(await tokens.read())], [9, 7, 7, 7, 7, 1], 'the prompt stays');
  assert.deepEqual([...(await state.read())].slice(0, 2), newDecoding(2 ** 40 + 3).slice(0, 2));
});

it('refuses what does not fit', () => {
  using logits = runtime.zeros([1, 3, 8]);
  using tokens = runtime.zeros([1, 5], 'u32');
  using state = decodingState(runtime);
  using set = runtime.zeros([1], 'u32');
  using row = runtime.zeros([3], 'u32');
  const some = { logits, tokens, state };
  const refused = (error: typeof ShapeError, inputs: object, options: object = {}) =>
    assert.throws(() => tokenCandidates({ ...some, ...inputs }, { maskId, ...options }), error);
  refused(ShapeError, { tokens: row });
  refused(ShapeError, { logits: runtime.zeros([1, 6, 8]) });
  refused(ShapeError, { logits: runtime.zeros([2, 3, 8]) });
  refused(ShapeError, { logits: runtime.zeros([3, 8]) });
  refused(DtypeError, { state: runtime.zeros([6]) });
  refused(ShapeError, { state: runtime.zeros([4], 'u32') });
  refused(OptionError, {}, { start: 1 });
  refused(OptionError, {}, { blockLength: 0 });
  refused(OptionError, {}, { temperature: Number.NaN });
  refused(OptionError, {}, { confidence: 'doubt' as ConfidenceKind });
  refused(OptionError, {}, { guidanceScale: 1 });
  refused(OptionError, { unconditional: logits });
  refused(ShapeError, { unconditional: runtime.zeros([1, 3, 9]) }, { guidanceScale: 1 });
  refused(ShapeError, { allowed: row });
  refused(OptionError, { allowedIndex: row });
  refused(ShapeError, { allowed: set, allowedIndex: row });

  using candidates = runtime.zeros([1, 3], 'u32');
  using confidence = runtime.zeros([1, 3]);
  const step = { tokens, candidates, confidence, state };
  assert.throws(() => commitTokens({ ...step, late: set }, { maskId }), OptionError);
  assert.throws(() => commitTokens(step, { maskId, stepsPerBlock: 0 }), OptionError);
  assert.throws(() => commitTokens(step, { maskId, threshold: Number.NaN }), OptionError);
  assert.throws(() => commitTokens({ ...step, shares: confidence }, { maskId }), ShapeError);
  assert.throws(() => commitTokens({ ...step, eligible: set }, { maskId }), ShapeError);
  assert.throws(
    () => remaskTokens({ tokens, previous: candidates, confidence, state, amounts: row }, { maskId }),
    ShapeError,
  );
});
