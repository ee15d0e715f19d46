import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dequantizeWeightCases, quantizedLinearCases, quantizeWeightCases } from '../../cases/quantized.js';
import { Random } from '../../cases/support/random.js';
import { DtypeError, FeatureError, OptionError, ShapeError } from '../../src/errors.js';
import { dequantizeWeight } from '../../src/ops/quantized/dequantize-weight.js';
import type { QuantizationFormat } from '../../src/ops/quantized/quantization.js';
import {
  emptyQuantized,
  quantizedRowAlignment,
  quantizeRows,
  quantizeWeight,
} from '../../src/ops/quantized/quantize-weight.js';
import { quantizedLinear } from '../../src/ops/quantized/quantized-linear.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(quantizeWeightCases);
await testOperation(dequantizeWeightCases);
await testOperation(quantizedLinearCases);

const runtime = await testRuntime();

const formats = fc.record({
  bits: fc.constantFrom(4 as const, 8 as const),
  group: fc.constantFrom(32 as const, 64 as const, 128 as const),
});

/** The weight quantised and back, and the size of the step of each element's group. */
async function roundTrip(data: Float32Array, columns: number, format: QuantizationFormat) {
  const quantized = quantizeWeight(runtime.tensor(data, [data.length / columns, columns]), {
    ...format,
    scaleDtype: 'f32',
  });
  const back = dequantizeWeight(quantized, { ...format, columns });
  const scales = await quantized.scales.read();
  const { group = 64, bits } = format;
  const groups = Math.ceil(columns / group);
  const steps = data.map((_, i) => {
    const row = Math.floor(i / columns);
    return Math.abs(scales[row * groups + Math.floor((i % columns) / group)]!) / 2 ** (bits - 1);
  });
  const found = (await back.read()) as Float32Array;
  for (const tensor of [quantized.values, quantized.scales, back]) tensor.dispose();
  return { found, steps };
}

describe('quantisation', () => {
  it('is off by at most half a step, and beyond the range by what is beyond it', async () => {
    await fc.assert(
      fc.asyncProperty(
        formats,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: -20, max: 10 }),
        fc.nat(),
        async (format, columns, exponent, seed) => {
          const random = new Random(seed);
          const data = Float32Array.from({ length: 3 * columns }, () => random.normal() ** 3 * 2 ** exponent);
          const { found, steps } = await roundTrip(data, columns, format);
          data.forEach((x, i) => {
            const step = steps[i]!;
            const beyond = format.bits === 8 ? 0 : Math.max(0, Math.abs(x) - 7 * step);
            const bound = Math.max(beyond, step / 2) * (1 + 1e-4);
            const error = Math.abs(found[i]! - x);
            assert.ok(error <= bound, `${x} became ${found[i]}, steps of ${step}`);
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('keeps what it can hold', async () => {
    await fc.assert(
      fc.asyncProperty(formats, fc.integer({ min: 1, max: 300 }), fc.nat(), async (format, columns, seed) => {
        const random = new Random(seed);
        const largest = 2 ** (format.bits - 1) - 1;
        const { group } = format;
        // Each group has its own step, and one of the numbers at the end of the range.
        const step = Float32Array.from(
          { length: Math.ceil(columns / group) },
          () => random.whole(1, 999) / 2048,
        );
        const data = Float32Array.from({ length: columns }, (_, k) => {
          const q = k % group === 0 ? largest : random.whole(-largest, largest);
          return q * step[Math.floor(k / group)]!;
        });
        const { found } = await roundTrip(data, columns, format);
        found.forEach((x, k) => {
          assert.ok(Math.abs(x - data[k]!) <= 1e-6 * Math.abs(data[k]!), `${data[k]} became ${x}`);
        });
      }),
      { numRuns: 20 },
    );
  });

  it('keeps the one number that has no opposite', async () => {
    const data = Float32Array.from({ length: 64 }, (_, k) => (k === 5 ? 8 : (k % 15) - 7) / 16);
    const { found } = await roundTrip(data, 64, { bits: 4 });
    found.forEach((x, k) => {
      assert.ok(x === data[k], `${data[k]} became ${x}`);
    });
  });

  it('keeps zeros, beside what is not and in groups of their own', async () => {
    for (const bits of [4, 8] as const) {
      const data = Float32Array.from({ length: 128 }, (_, k) => (k < 64 || k % 2 ? 0 : Math.cos(k)));
      const { found } = await roundTrip(data, 128, { bits });
      found.forEach((x, k) => {
        if (data[k] === 0) assert.equal(Math.abs(x), 0);
      });
    }
  });

  it('works part by part', async () => {
    const format = { bits: 4, group: 32 } as const;
    const [rows, columns] = [150, 45];
    const random = new Random(1);
    const data = Float32Array.from({ length: rows * columns }, () => random.normal());
    const whole = quantizeWeight(runtime.tensor(data, [rows, columns]), format);
    const target = emptyQuantized(runtime, [rows, columns], format);
    const unit = quantizedRowAlignment(target);
    assert.ok(unit < rows, `a part begins every ${unit} rows`);
    for (let begin = 0; begin < rows; begin += unit) {
      const end = Math.min(begin + unit, rows);
      const part = runtime.tensor(data.subarray(begin * columns, end * columns), [end - begin, columns]);
      quantizeRows(part, target, begin, format);
    }
    assert.deepEqual(await target.values.read(), await whole.values.read());
    assert.deepEqual(await target.scales.read(), await whole.scales.read());
    if (unit > 1) {
      assert.throws(() => quantizeRows(runtime.zeros([1, columns]), target, 1, format), FeatureError);
    }
  });

  it('takes an input of f32 with scales of f16', {
    skip: !runtime.traits.f16 && 'this adapter has no f16',
  }, async () => {
    const format = { bits: 8 } as const;
    const random = new Random(2);
    const weight = runtime.tensor(
      Float32Array.from({ length: 9 * 70 }, () => random.normal()),
      [9, 70],
    );
    const input = runtime.tensor(
      Float32Array.from({ length: 2 * 70 }, () => random.normal()),
      [2, 70],
    );
    const quantized = quantizeWeight(weight, format);
    assert.equal(quantized.scales.dtype, 'f16');
    const output = await quantizedLinear({ input, ...quantized }, format).read();
    const numbers = await dequantizeWeight(quantized, { ...format, columns: 70 }).read();
    const x = await input.read();
    output.forEach((value, i) => {
      let sum = 0;
      for (let k = 0; k < 70; k++) sum += x[Math.floor(i / 9) * 70 + k]! * numbers[(i % 9) * 70 + k]!;
      assert.ok(Math.abs(value - sum) < 1e-4, `output ${i} is ${value}, not ${sum}`);
    });
  });

  it('refuses what does not fit', () => {
    const weight = runtime.zeros([4, 40]);
    assert.throws(() => quantizeWeight(weight, { bits: 3 as 4 }), OptionError);
    assert.throws(() => quantizeWeight(weight, { bits: 4, group: 16 as 32 }), OptionError);
    assert.throws(() => quantizeWeight(weight, { bits: 4, scaleDtype: 'u32' as 'f32' }), OptionError);
    assert.throws(() => quantizeWeight(weight.reshape([160]), { bits: 4 }), ShapeError);
    assert.throws(() => quantizeWeight(runtime.zeros([4, 40], 'u32'), { bits: 4 }), DtypeError);
    const quantized = quantizeWeight(weight, { bits: 4 });
    const input = runtime.zeros([2, 40]);
    assert.throws(() => quantizedLinear({ input, ...quantized }, { bits: 8 }), ShapeError);
    assert.throws(
      () => quantizedLinear({ input: runtime.zeros([2, 70]), ...quantized }, { bits: 4 }),
      /hold no weight of 70 columns in 4 bits and groups of 64/,
    );
    assert.throws(
      () => quantizedLinear({ input, ...quantized, bias: runtime.zeros([3]) }, { bits: 4 }),
      ShapeError,
    );
    assert.throws(() => dequantizeWeight(quantized, { bits: 4, columns: 0 }), OptionError);
  });
});
