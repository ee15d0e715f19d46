import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  gatedConv2dCases,
  gatedConv2dPartialCases,
  gateSumsCases,
  gateSumsGradientCases,
} from '../../cases/gated-conv.js';
import { deviceDtype, normal, relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { mul } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import { gatedConv2d, gatedConv2dOperation, gatedConv2dPartial } from '../../src/ops/conv/gated-conv.js';
import type { Shape } from '../../src/tensor/shape.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(gatedConv2dCases);
await testOperation(gatedConv2dPartialCases);
await testOperation(gateSumsCases);
await testOperation(gateSumsGradientCases);

const runtime = await testRuntime();

describe('gated convolution', () => {
  it('is the same with the share of the condition computed once', async () => {
    const random = new Random(1);
    const tensor = (shape: Shape) => {
      const host = normal(random, shape, 0.3);
      return runtime.tensor(host.data, shape, deviceDtype(host, 'f32'));
    };
    const input = tensor([2, 3, 6, 5]);
    const condition = tensor([1, 4, 6, 5]);
    const weight = tensor([17, 7, 3, 3]);
    const gateWeight = tensor([1, 7, 3, 3]);
    const bias = tensor([17]);
    const partial = gatedConv2dPartial({ input: condition, weight, gateWeight }, { firstChannel: 3 });
    const whole = await gatedConv2d({ input, condition, weight, bias, gateWeight }).read();
    const split = await gatedConv2d({ input, partial, weight, bias, gateWeight }).read();
    assert.ok(relativeError(split, whole) < 1e-6);
  });

  it('has the gradients of its operation, with an activation and with the share computed once too', async () => {
    const random = new Random(2);
    const tensor = (shape: Shape) => runtime.tensor(normal(random, shape, 0.3).data, shape);
    const operands = {
      input: tensor([2, 3, 6, 5]),
      condition: tensor([1, 4, 6, 5]),
      weight: tensor([5, 7, 3, 3]),
      bias: tensor([5]),
      gateWeight: tensor([1, 7, 3, 3]),
      gateBias: tensor([1]),
    };
    const mask = tensor([6, 5]);
    const target = tensor([2, 5, 6, 5]);
    const { condition, ...rest } = operands;
    const { weight, gateWeight } = operands;
    const options = { activation: 'silu' as const };
    const outputs = {
      operation: () => gatedConv2dOperation.run({ ...operands, mask }, options).output,
      whole: () => gatedConv2d({ ...operands, mask }, options),
      split: () => {
        const partial = gatedConv2dPartial({ input: condition, weight, gateWeight }, { firstChannel: 3 });
        return gatedConv2d({ ...rest, partial, mask }, options);
      },
    };
    const [wanted, ...others] = Object.values(outputs).map((output) =>
      valueAndGrad(operands, () => sum(mul(output(), target))),
    );
    for (const { gradients } of others) {
      for (const name of Object.keys(operands) as (keyof typeof operands)[]) {
        const error = relativeError(await gradients[name].read(), await wanted!.gradients[name].read());
        assert.ok(error < 1e-5, `${name}: ${error}`);
      }
    }
    assert.throws(() => valueAndGrad({ mask }, () => sum(gatedConv2d({ ...operands, mask }))), OptionError);
  });

  it('refuses operands that do not fit', () => {
    const input = runtime.zeros([2, 3, 6, 5]);
    const weight = runtime.zeros([4, 5, 3, 3]);
    const gateWeight = runtime.zeros([1, 5, 3, 3]);
    const condition = runtime.zeros([1, 2, 6, 5]);
    const operands = { input, condition, weight, gateWeight };
    assert.throws(() => gatedConv2d({ input, weight, gateWeight }), ShapeError);
    assert.throws(() => gatedConv2d({ ...operands, condition: runtime.zeros([1, 3, 6, 5]) }), ShapeError);
    assert.throws(() => gatedConv2d({ ...operands, gateWeight: runtime.zeros([2, 5, 3, 3]) }), ShapeError);
    assert.throws(() => gatedConv2d({ ...operands, gateBias: runtime.zeros([4]) }), ShapeError);
    assert.throws(() => gatedConv2d({ ...operands, mask: runtime.zeros([5, 6]) }), ShapeError);
    assert.throws(() => gatedConv2d({ ...operands, partial: runtime.zeros([1, 5, 6, 5]) }), OptionError);
    const shares = { input, weight, gateWeight, partial: runtime.zeros([1, 4, 6, 5]) };
    assert.throws(() => gatedConv2d(shares), ShapeError);
    assert.throws(
      () => gatedConv2dPartial({ input: condition, weight, gateWeight }, { firstChannel: 4 }),
      ShapeError,
    );
    assert.throws(
      () => gatedConv2dPartial({ input: condition, weight, gateWeight }, { firstChannel: -1 }),
      OptionError,
    );
  });
});
