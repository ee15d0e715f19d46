import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attentionCases } from '../../cases/attention.js';
import { attentionGradientCases } from '../../cases/attention-gradient.js';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { DtypeError, OptionError, ShapeError } from '../../src/errors.js';
import { mul } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import {
  type AttentionOutputs,
  attention,
  attentionOperation,
  emptyLogSumExp,
} from '../../src/ops/attention/attention.js';
import type { AttentionMask } from '../../src/ops/attention/attention-mask.js';
import type { AttentionOperands } from '../../src/ops/attention/attention-problem.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(attentionCases);
await testOperation(attentionGradientCases);

const runtime = await testRuntime();

describe('attention', () => {
  const zeros = (length: number) => runtime.zeros([1, 1, length, 8]);
  /** With equal scores the output is the mean of the values a query attends: their first elements are 1, 2, 4. */
  const value = runtime.tensor(
    Array.from({ length: 24 }, (_, i) => (i % 8 === 0 ? 2 ** (i / 8) : 0)),
    [1, 1, 3, 8],
  );
  const means = async (mask: AttentionMask, more: Partial<AttentionOperands> = {}) => {
    const { output } = attention({ query: zeros(3), key: zeros(3), value, ...more }, { mask });
    return (await output.read()).filter((_, i) => i % 8 === 0);
  };

  it('takes lengths and turns as numbers or tensors', async () => {
    const prefixLength = runtime.tensor([2], [1], 'u32');
    const turns = runtime.tensor([0, 1, 1], [1, 3], 'u32');
    const all = Math.fround(7 / 3);
    for (const [mask, expected] of [
      [{ kind: 'none' }, [all, all, all]],
      [{ kind: 'causal' }, [1, 1.5, all]],
      [{ kind: 'block', blockSize: 2 }, [1.5, 1.5, all]],
      [{ kind: 'prefix', prefixLength: 2 }, [1.5, 1.5, all]],
      [{ kind: 'prefix', prefixLength }, [1.5, 1.5, all]],
      [{ kind: 'prefix', prefixLength: 0 }, [all, all, all]],
      [{ kind: 'turns', turns }, [1, all, all]],
    ] as [AttentionMask, number[]][]) {
      const actual = await means(mask);
      actual.forEach((mean, i) => {
        assert.ok(Math.abs(mean - expected[i]!) < 1e-6, `${mask.kind}: ${actual}, not ${expected}`);
      });
    }
  });

  it('weighs the probabilities by the weight of the key', async () => {
    const keyWeight = runtime.tensor([1, 3, 0], [1, 3]);
    assert.deepEqual([...(await means({ kind: 'causal' }, { keyWeight }))], [1, 1.75, 1.75]);
  });

  it('gives zeros to a query that attends nothing', async () => {
    const keyMask = runtime.zeros([1, 3], 'u32');
    const { output, logSumExp } = attention(
      { query: zeros(2), key: zeros(3), value, keyMask },
      { returnLogSumExp: true },
    );
    assert.ok((await output.read()).every((x) => x === 0));
    assert.deepEqual([...(await logSumExp!.read())], [emptyLogSumExp, emptyLogSumExp]);
  });

  it('takes heads of any size by the fast kernels, gradients too', async () => {
    const [batch, heads, length, size] = [2, 4, 70, 10];
    const random = new Random(5);
    const made = () =>
      runtime.tensor(
        Float32Array.from({ length: batch * heads * length * size }, () => random.normal()),
        [batch, heads, length, size],
      );
    const parameters = { query: made(), key: made(), value: made() };
    const weights = made();
    const seen = Uint32Array.from({ length: batch * length }, (_, i) => Number(i % 7 !== 3));
    const keyMask = runtime.tensor(seen, [batch, length], 'u32');
    const options = { mask: { kind: 'causal' }, returnLogSumExp: true } as const;
    const run = (attend: (operands: AttentionOperands) => AttentionOutputs) => {
      const { output, logSumExp } = attend({ ...parameters, keyMask });
      const { gradients } = valueAndGrad(parameters, () =>
        sum(mul(attend({ ...parameters, keyMask }).output, weights)),
      );
      return { output, logSumExp: logSumExp!, ...gradients };
    };
    const found = run((operands) => attention(operands, options));
    const expected = run((operands) => attentionOperation.run(operands, options));
    assert.deepEqual(found.output.shape, [batch, heads, length, size]);
    for (const [name, tensor] of Object.entries(found)) {
      const wanted = expected[name as keyof typeof expected];
      const error = relativeError(
        (await tensor.read()) as Float32Array,
        (await wanted.read()) as Float32Array,
      );
      assert.ok(error < 1e-5, `${name} is off by ${error}`);
    }
  });

  it('refuses what does not fit', () => {
    const key = zeros(3);
    const run = (operands: Partial<AttentionOperands>, mask?: unknown) =>
      attention({ query: zeros(2), key, value, ...operands }, mask ? { mask: mask as AttentionMask } : {});
    assert.throws(() => run({ query: runtime.zeros([1, 2, 8]) }), ShapeError);
    assert.throws(() => run({ query: runtime.zeros([1, 1, 2, 4]) }), ShapeError);
    assert.throws(() => run({ key: runtime.zeros([1, 2, 3, 8]) }), ShapeError);
    assert.throws(() => run({ value: zeros(2) }), ShapeError);
    assert.throws(() => run({ bias: runtime.zeros([1, 1, 2, 1]) }), ShapeError);
    assert.throws(() => run({ keyMask: runtime.zeros([1, 2], 'u32') }), ShapeError);
    assert.throws(() => run({ keyMask: runtime.zeros([1, 3]) }), DtypeError);
    assert.throws(() => run({ key: runtime.zeros([1, 1, 3, 8], 'u32') }), DtypeError);
    const both = { keyMask: runtime.zeros([1, 3], 'u32'), keyWeight: runtime.zeros([1, 3]) };
    assert.throws(() => run(both), OptionError);
    assert.throws(() => run({}, { kind: 'diagonal' }), OptionError);
    assert.throws(() => run({}, { kind: 'block', blockSize: 0 }), OptionError);
    assert.throws(() => run({}, { kind: 'causal', queryOffset: -1 }), OptionError);
    assert.throws(() => run({}, { kind: 'turns' }), OptionError);
    const turns = runtime.zeros([1, 3], 'u32');
    assert.throws(() => run({}, { kind: 'turns', turns, queryOffset: 2 }), ShapeError);
    const large = runtime.zeros([1, 1, 1, 300]);
    assert.throws(() => attention({ query: large, key: large, value: large }), ShapeError);
  });
});
