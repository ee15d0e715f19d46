import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  binaryCases,
  castCases,
  fillCases,
  unaryCases,
  unaryGradientCases,
  unpackHalvesCases,
  whereCases,
} from '../../cases/elementwise.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { unpackHalves } from '../../src/ops/array/unpack-halves.js';
import { testOperation } from '../support/operation.js';
import {
  add,
  cast,
  clamp,
  fill,
  floor,
  greater,
  maskedFill,
  mul,
  neg,
  pow,
  round,
  sub,
  where,
} from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(unaryCases);
await testOperation(unaryGradientCases);
await testOperation(binaryCases);
await testOperation(whereCases);
await testOperation(castCases);
await testOperation(fillCases);
await testOperation(unpackHalvesCases);

const runtime = await testRuntime();
it('floor and round: integers stay, halves go to the even neighbour', async () => {
  const x = runtime.tensor([-2.5, -1.5, -0.5, -0.25, 0, 0.5, 1.5, 2.5, 3, 8388609]);
  assert.deepEqual([...(await floor(x).read())], [-3, -2, -1, -1, 0, 0, 1, 2, 3, 8388609]);
  // Zeros have either sign.
  const rounded = [...(await round(x).read())].map((value) => value + 0);
  assert.deepEqual(rounded, [-2, -2, 0, 0, 0, 0, 2, 2, 3, 8388609]);
});

const f16 = { skip: runtime.traits.f16 ? false : 'this adapter has no f16' };

describe('elementwise functions', () => {
  it('take numbers on either side', async () => {
    const x = runtime.tensor([1, -2, 3]);
    assert.deepEqual([...(await sub(1, x).read())], [0, 3, -2]);
    assert.deepEqual([...(await sub(x, 1).read())], [0, -3, 2]);
    assert.deepEqual([...(await mul(greater(x, 0), add(x, 4)).read())], [5, 0, 7]);
    assert.deepEqual([...(await neg(clamp(x, -1, 2)).read())], [-1, 1, -2]);
    assert.deepEqual([...(await where(greater(x, 0), 7, x).read())], [7, -2, 7]);
    assert.deepEqual([...(await maskedFill(x, runtime.tensor([0, 1, 0], [3], 'u32'), 9).read())], [1, 9, 3]);
  });

  it('round casts from f32 to f16 and back', f16, async () => {
    for (const count of [7, 8]) {
      const x = runtime.tensor(Array.from({ length: count }, (_, i) => 1 + i / 3));
      const half = cast(x, 'f16');
      assert.equal(half.dtype, 'f16');
      const back = await cast(half, 'f32').read();
      back.forEach((value, i) => {
        assert.ok(Math.abs(value - (1 + i / 3)) <= 2 ** -8, `${value}`);
      });
      assert.deepEqual(
        [...(await cast(runtime.tensor(back.map(Math.round), [count], 'u32'), 'f16').read())],
        [...back.map(Math.round)],
      );
    }
  });

  it('fill f16 tensors of odd and even length', f16, async () => {
    for (const count of [1, 7, 8, 24]) {
      assert.deepEqual([...(await fill(runtime, [count], -1.5, 'f16').read())], Array(count).fill(-1.5));
    }
  });

  it('unpack halves into f16 tensors of odd and even length', f16, async () => {
    // 1, -2 and 0.5 as bf16 and as f16.
    const words = { bf16: [0xc000_3f80, 0x3f00], f16: [0xc000_3c00, 0x3800] } as const;
    for (const format of ['bf16', 'f16'] as const) {
      for (const count of [3, 8]) {
        const packed = Array.from({ length: Math.ceil(count / 2) }, (_, i) => words[format][i % 2]!);
        const tensor = runtime.tensor(packed, [packed.length], 'u32');
        const halves = unpackHalves({ packed: tensor }, { format, count, to: 'f16' });
        assert.equal(halves.dtype, 'f16');
        assert.deepEqual([...(await halves.read())], [1, -2, 0.5, 0, 1, -2, 0.5, 0].slice(0, count));
      }
    }
  });

  it('refuse what does not fit', () => {
    const x = runtime.tensor([1, 2, 3]);
    const ids = runtime.tensor([1, 2, 3], [3], 'u32');
    assert.throws(() => add(x, runtime.tensor([1, 2])), ShapeError);
    assert.throws(() => add(x, ids), DtypeError);
    assert.throws(() => add(ids, 0.5), OptionError);
    assert.throws(() => add(ids, -1), OptionError);
    assert.throws(() => pow(ids, 2), DtypeError);
    assert.throws(() => add(1, 2), OptionError);
    assert.throws(() => clamp(x, 2, 1), OptionError);
    assert.throws(() => neg(ids), DtypeError);
    assert.throws(() => where(x, x, ids), DtypeError);
    assert.throws(() => unpackHalves({ packed: x }, { format: 'f16', count: 6 }), DtypeError);
    assert.throws(() => unpackHalves({ packed: ids }, { format: 'f16', count: 4 }), ShapeError);
    assert.throws(() => unpackHalves({ packed: ids }, { format: 'f16', count: 5.5 }), OptionError);
    const shape = (odd: boolean) => Array.from({ length: 8 }, (_, k) => (k % 2 === Number(odd) ? 1 : 2));
    assert.throws(() => add(runtime.zeros(shape(true)), runtime.zeros(shape(false))), ShapeError);
  });
});
