import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rotaryCases } from '../../cases/rotary.js';
import { relativeError } from '../../cases/support/host.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { rotary, rotaryTable } from '../../src/ops/attention/rotary.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(rotaryCases);

const runtime = await testRuntime();

describe('rotary embedding', () => {
  it('makes products depend on the distance of positions only, and turns back', async () => {
    const table = rotaryTable(runtime, 16_384, 8);
    const x = runtime.tensor([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 8]);
    const productAt = async (p: number, q: number) => {
      const a = await rotary({ x, table }, { offset: p }).read();
      const b = await rotary({ x, table }, { offset: q }).read();
      return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
    };
    assert.ok(Math.abs((await productAt(0, 3)) - (await productAt(16_380, 16_383))) < 1e-4);
    const turned = rotary({ x, table }, { offset: 16_383 });
    const back = await rotary({ x: turned, table }, { offset: 16_383, inverse: true }).read();
    assert.ok(relativeError(back, await x.read()) < 1e-6);
  });

  it('refuses what does not fit', () => {
    const x = runtime.zeros([2, 1, 4, 8]);
    const table = rotaryTable(runtime, 6, 8);
    const positions = runtime.zeros([2, 4], 'u32');
    assert.throws(() => rotaryTable(runtime, 0, 8), OptionError);
    assert.throws(() => rotaryTable(runtime, 6, 7), OptionError);
    assert.throws(() => rotaryTable(runtime, 6, 8, -1), OptionError);
    assert.throws(() => rotary({ x: runtime.zeros([4, 8]), table }), ShapeError);
    assert.throws(() => rotary({ x: runtime.zeros([2, 1, 4, 6]), table }), ShapeError);
    assert.throws(() => rotary({ x, table, positions: runtime.zeros([3], 'u32') }), ShapeError);
    assert.throws(() => rotary({ x, table, positions: runtime.zeros([2, 4]) }), DtypeError);
    assert.throws(() => rotary({ x, table, positions }, { offset: 1 }), OptionError);
    assert.throws(() => rotary({ x, table }, { offset: 3 }), OptionError);
  });
});
