import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchNormGradientCases, channelMomentsGradientCases } from '../../cases/batch-norm-gradient.js';
import {
  batchNormCases,
  channelMomentsCases,
  groupNormCases,
  l2NormalizeCases,
  layerNormCases,
  rmsNormCases,
} from '../../cases/norm.js';
import { normGradientCases } from '../../cases/norm-gradient.js';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { GradientTape } from '../../src/autograd/gradient-tape.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { batchNorm } from '../../src/ops/norm/batch-norm.js';
import { channelMoments } from '../../src/ops/norm/channel-moments.js';
import { groupNorm, instanceNorm } from '../../src/ops/norm/group-norm.js';
import { l2Normalize } from '../../src/ops/norm/l2-normalize.js';
import { layerNorm } from '../../src/ops/norm/layer-norm.js';
import { stylize } from '../../src/ops/norm/stylize.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(layerNormCases);
await testOperation(rmsNormCases);
await testOperation(groupNormCases);
await testOperation(l2NormalizeCases);
await testOperation(normGradientCases);
await testOperation(channelMomentsCases);
await testOperation(batchNormCases);
await testOperation(batchNormGradientCases);
await testOperation(channelMomentsGradientCases);

const runtime = await testRuntime();
const random = new Random(7);

function normal(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return runtime.tensor(
    Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

describe('norms', () => {
  it('give a constant row its bias, not noise', async () => {
    const x = runtime.tensor(new Float32Array(30).fill(0.1), [3, 10]);
    const bias = normal(10);
    const expected = await bias.read();
    const rows = await layerNorm({ x, bias }).read();
    for (let row = 0; row < 3; row++) {
      assert.ok(relativeError(rows.subarray(10 * row, 10 * row + 10), expected) < 1e-6);
    }
  });

  it('batchNorm with the moments of a batch is what instanceNorm makes of a single sample', async () => {
    const x = normal(1, 5, 6, 7);
    const { mean, variance } = channelMoments(x);
    const batch = await batchNorm({ x, mean, variance }).read();
    assert.ok(relativeError(batch, await instanceNorm({ x }).read()) < 1e-6);
  });

  it('stylize is MotionDiffuse’s formula, with LayerNorm and with GroupNorm', async () => {
    const silu = (y: number) => y / (1 + Math.exp(-y));
    const scale = normal(2, 6);
    const shift = normal(2, 6);
    const [scales, shifts] = [await scale.read(), await shift.read()];

    const tokens = normal(2, 4, 6);
    const normalizedTokens = await layerNorm({ x: tokens }).read();
    const wantedTokens = Array.from(normalizedTokens, (y, i) => {
      const styled = Math.floor(i / 24) * 6 + (i % 6);
      return silu(y * (1 + scales[styled]!) + shifts[styled]!);
    });
    assert.ok(relativeError(await stylize({ x: tokens, scale, shift }).read(), wantedTokens) < 1e-6);

    const maps = normal(2, 6, 3, 3);
    const normalizedMaps = await groupNorm({ x: maps }, { groups: 2 }).read();
    const wantedMaps = Array.from(normalizedMaps, (y, i) => {
      const styled = Math.floor(i / 9);
      return silu(y * (1 + scales[styled]!) + shifts[styled]!);
    });
    assert.ok(
      relativeError(await stylize({ x: maps, scale, shift }, { groups: 2 }).read(), wantedMaps) < 1e-6,
    );
  });

  it('batchNorm differentiates through the moments of its batch as groupNorm does through those of its group', async () => {
    const x = normal(1, 3, 50);
    const seed = normal(1, 3, 50);
    const gradientOf = async (body: () => Tensor) => {
      const tape = new GradientTape(runtime);
      tape.watch(x);
      const output = runtime.withTape(tape, body);
      const [gradient] = tape.backward([[output, seed]], [x]);
      return gradient!.read();
    };
    const batch = await gradientOf(() => batchNorm({ x, ...channelMoments(x) }, { activation: 'none' }));
    const instance = await gradientOf(() => instanceNorm({ x }));
    assert.ok(relativeError(batch, instance) < 1e-5);
  });

  it('refuse what does not fit', () => {
    const x = normal(2, 6, 5);
    assert.throws(() => layerNorm({ x, weight: normal(6) }), ShapeError);
    assert.throws(() => layerNorm({ x, scale: normal(5) }), ShapeError);
    assert.throws(() => layerNorm({ x: runtime.tensor([1, 2], [2], 'i32') }), DtypeError);
    assert.throws(() => layerNorm({ x: runtime.tensor([1], []) }), ShapeError);
    assert.throws(() => layerNorm({ x }, { eps: -1 }), OptionError);
    assert.throws(() => groupNorm({ x }, { groups: 4 }), OptionError);
    assert.throws(() => groupNorm({ x: normal(6) }, { groups: 1 }), ShapeError);
    assert.throws(() => instanceNorm({ x: normal(6) }), ShapeError);
    assert.throws(() => l2Normalize(x, { axis: 3 }), ShapeError);
    assert.throws(() => channelMoments(normal(6)), ShapeError);
    assert.throws(() => batchNorm({ x, mean: normal(6), variance: normal(5) }), ShapeError);
  });
});
