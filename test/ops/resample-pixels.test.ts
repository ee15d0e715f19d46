import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resamplePixelsCases } from '../../cases/pixels.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { resamplePixels } from '../../src/ops/image/resample-pixels.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(resamplePixelsCases);

describe('resampling pixels', () => {
  it('leaves a plain picture as plain, in the order red, green, blue', async () => {
    const runtime = await testRuntime();
    const bytes = Uint8Array.from({ length: 4 * 50 * 30 }, (_, i) => [255, 102, 0, 77][i % 4]!);
    const pixels = runtime.tensor(new Uint32Array(bytes.buffer), [1, 50, 30], 'u32');
    const out = await resamplePixels(pixels, { height: 7, width: 45, mean: 0.5, deviation: 0.5 }).read();
    for (const [i, value] of out.entries()) {
      assert.ok(Math.abs(value - [1, -0.2, -1][Math.floor(i / (7 * 45))]!) < 1e-6);
    }
  });

  it('refuses what cannot be', async () => {
    const runtime = await testRuntime();
    const pixels = runtime.zeros([1, 4, 4], 'u32');
    const options = { height: 2, width: 2 };
    assert.throws(() => resamplePixels(pixels.reshape([4, 4]), options), ShapeError);
    assert.throws(() => resamplePixels(runtime.zeros([1, 1, 32768], 'u32'), options), ShapeError);
    assert.throws(() => resamplePixels(runtime.zeros([1, 4, 4]), options), DtypeError);
    assert.throws(() => resamplePixels(pixels, { height: 2, width: 0 }), OptionError);
    assert.throws(() => resamplePixels(pixels, { height: 2.5, width: 2 }), OptionError);
    assert.throws(() => resamplePixels(pixels, { ...options, deviation: 0 }), OptionError);
    assert.throws(() => resamplePixels(pixels, { ...options, mean: Number.NaN }), OptionError);
  });
});
