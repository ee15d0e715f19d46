import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../cases/support/random.js';
import {
  linearCrossEntropyCases,
  linearCrossEntropyGradientCases,
  linearTokenCandidatesCases,
} from '../../cases/vocabulary.js';
import { DtypeError, FeatureError, OptionError, ShapeError } from '../../src/errors.js';
import { linear } from '../../src/ops/matmul/matmul.js';
import { decodingState } from '../../src/ops/sampling/decoding.js';
import { tokenCandidates } from '../../src/ops/sampling/token-candidates.js';
import { linearCrossEntropy } from '../../src/ops/vocabulary/linear-cross-entropy.js';
import {
  linearTokenCandidates,
  linearTokenCandidatesOperation,
} from '../../src/ops/vocabulary/linear-token-candidates.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(linearTokenCandidatesCases);
await testOperation(linearCrossEntropyCases);
await testOperation(linearCrossEntropyGradientCases);

const runtime = await testRuntime();
const maskId = 1;

it('chooses the same tokens as by the logits, where these are exact', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        batch: fc.integer({ min: 1, max: 2 }),
        rows: fc.integer({ min: 1, max: 40 }),
        vocabulary: fc.integer({ min: 2, max: 400 }),
        depth: fc.integer({ min: 1, max: 20 }),
        temperature: fc.constantFrom(0, 1),
        guided: fc.boolean(),
        windows: fc.boolean(),
        seed: fc.nat(),
      }),
      async ({ batch, rows, vocabulary, depth, temperature, guided, windows, seed }) => {
        const random = new Random(seed);
        const whole = (...shape: number[]) =>
          runtime.tensor(
            Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.whole(-2, 2)),
            shape,
          );
        const hidden = whole(batch, rows, depth);
        const without = guided ? whole(batch, rows, depth) : undefined;
        const weight = whole(vocabulary, depth);
        const tokens = runtime.tensor(new Uint32Array(batch * rows).fill(maskId), [batch, rows], 'u32');
        const state = decodingState(runtime, seed);
        const options = { maskId, temperature, ...(guided ? { guidanceScale: 1 } : {}) };
        const logits = linear({ input: hidden, weight });
        const unconditional = without && linear({ input: without, weight });
        const unfused = tokenCandidates({ logits, unconditional, tokens, state }, options);
        const fused = linearTokenCandidatesOperation.run(
          { hidden, weight, unconditional: without, tokens, state },
          { ...options, ...(windows ? { windowBytes: 256 * depth } : {}) },
        );
        assert.deepEqual(await fused.candidates.read(), await unfused.candidates.read());
        const sure = await unfused.confidence.read();
        (await fused.confidence.read()).forEach((value, row) => {
          assert.ok(Math.abs(value - sure[row]!) <= 1e-5);
        });
        const made = [hidden, without, weight, tokens, state, logits, unconditional];
        for (const tensor of [...made, ...Object.values(unfused), ...Object.values(fused)]) tensor?.dispose();
      },
    ),
    { numRuns: 20 },
  );
});

it('refuses what does not fit', () => {
  using hidden = runtime.zeros([1, 3, 8]);
  using weight = runtime.zeros([40, 8]);
  using tokens = runtime.zeros([1, 5], 'u32');
  using state = decodingState(runtime);
  const refused = (error: typeof ShapeError, inputs: object, options: object = {}) =>
    assert.throws(
      () => linearTokenCandidates({ hidden, weight, tokens, state, ...inputs }, { maskId, ...options }),
      error,
    );
  refused(ShapeError, { hidden: runtime.zeros([3, 8]) });
  refused(ShapeError, { weight: runtime.zeros([40, 9]) });
  refused(ShapeError, { weight: runtime.zeros([1, 40, 8]) });
  refused(DtypeError, { weight: runtime.zeros([40, 8], 'u32') });
  refused(ShapeError, { allowed: runtime.zeros([1], 'u32') });
  refused(OptionError, { unconditional: hidden });
  refused(ShapeError, { unconditional: runtime.zeros([1, 3, 9]) }, { guidanceScale: 1 });
  assert.throws(
    () => linearTokenCandidatesOperation.run({ hidden, weight, tokens, state }, { maskId, windowBytes: 16 }),
    FeatureError,
  );

  using rows = runtime.zeros([3, 8]);
  using targets = runtime.zeros([3], 'u32');
  assert.throws(() => linearCrossEntropy({ hidden, weight, targets }), ShapeError);
  assert.throws(() => linearCrossEntropy({ hidden: rows, weight, targets: state }), ShapeError);
  assert.throws(() => linearCrossEntropy({ hidden: rows, weight, targets: rows }), DtypeError);
  assert.throws(() => linearCrossEntropy({ hidden: rows, weight, targets }, { ignoreId: -100 }), OptionError);
});
