import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { caseTables } from '../../cases/index.js';
import { Random } from '../../cases/support/random.js';
import { uploadInputs } from '../../cases/support/tensors.js';
import { OptionError, ReleasedError, type TalError } from '../../src/errors.js';
import { lstm } from '../../src/ops/recurrent/lstm.js';
import * as tal from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

/** Refused with this kind of error, which names the function first, then what is at fault. */
function refused(
  body: () => unknown,
  Kind: new (message: string) => TalError,
  where: string,
  ...said: (string | RegExp)[]
): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof Kind, `${where}: ${error}`);
    assert.ok(error.message.startsWith(`${where}: `), error.message);
    assert.ok(!error.message.startsWith(`${where}: ${where}: `), error.message);
    for (const part of said) assert.match(error.message, new RegExp(part));
    return true;
  });
}

/** What stands in the place of a tensor, and how the message says it. */
const noTensors: [unknown, string][] = [
  [[1, 2], 'not an array of 2 numbers'],
  ['x', 'not "x"'],
  [3, 'not 3'],
  [null, 'not null'],
  [{ data: [1] }, 'not an object with data'],
  [new Float32Array(2), 'not a Float32Array'],
];

describe('every operation', () => {
  for (const table of caseTables) {
    const { operation } = table;
    const { name, spec } = operation;
    it(`${name} refuses wrong operands and options`, () => {
      runtime.scope(() => {
        const made = table.make(table.sizes[0], new Random(1));
        const inputs = uploadInputs(runtime, made.inputs, 'f32');
        const options = made.options ?? {};
        const run = (operands: unknown, given: unknown) =>
          operation.run(operands as never, given as never, { runtime });
        const first = Object.values(inputs).find((tensor) => tensor !== undefined);
        for (const [wrong, said] of [...noTensors, [first, 'not the Tensor']] as const) {
          if (Object.getPrototypeOf(wrong ?? 0) === Object.prototype || wrong === undefined) continue;
          refused(() => run(wrong, options), OptionError, name, 'the operands must be an object', said);
          refused(() => run(inputs, wrong), OptionError, name, 'the options must be an object', said);
        }
        refused(() => run(inputs, undefined), OptionError, name, 'the options must be an object');
        refused(() => run(inputs, { ...options, nonsens: 1 }), OptionError, name, 'unknown option nonsens');
        for (const option of Object.keys(spec.options)) {
          const odd = `${option}e`;
          const said = `unknown option ${odd}, did you mean ${option}\\?`;
          refused(() => run(inputs, { ...options, [odd]: 1 }), OptionError, name, said);
          refused(
            () => run(inputs, { ...options, [option]: Symbol('odd') }),
            OptionError,
            name,
            `${option} must be .*, not Symbol\\(odd\\)`,
          );
        }
        // Operands of any name are the parts of `concat`.
        const open = spec.operands === 'any';
        if (!open) {
          const [known] = Object.keys(spec.operands);
          refused(
            () => run({ ...inputs, qqqqqqqq: first }, options),
            OptionError,
            name,
            'unknown operand qqqqqqqq',
          );
          if (known !== undefined) {
            const said = `unknown operand ${known}_, did you mean ${known}\\?`;
            refused(() => run({ ...inputs, [`${known}_`]: undefined }, options), OptionError, name, said);
          }
        }
        for (const operand of Object.keys(open ? inputs : spec.operands)) {
          for (const [wrong, said] of noTensors) {
            const operands = { ...inputs, [operand]: wrong };
            refused(() => run(operands, options), OptionError, name, `${operand} must be a tensor, ${said}`);
          }
          if (spec.operands[operand] === 'required') {
            const operands = { ...inputs, [operand]: undefined };
            refused(
              () => run(operands, options),
              OptionError,
              name,
              `${operand} must be a tensor, not undefined`,
            );
          }
          const disposed = runtime.empty([2]);
          disposed.dispose();
          const operands = { ...inputs, [operand]: disposed };
          refused(() => run(operands, options), ReleasedError, name, `${operand} f32\\[2\\] was disposed`);
        }
        // All of it was refused for what was wrong with it: as it was made, it runs.
        operation.check(inputs, options);
      });
    });
  }
});

describe('a wrong call', () => {
  const x = runtime.tensor([1, 2, 3, 4], [2, 2]);
  const heads = x.reshape([1, 1, 2, 2]);
  const attended = { query: heads, key: heads, value: heads };
  // biome-ignore lint/suspicious/noExplicitAny: called as JavaScript calls it
  const js = tal as any;
  const { attention, conv1d, conv2d, gatedConv2d, layerNorm, linear, matmul, quantizedLinear, softmax } = js;

  const cases: Record<string, [() => unknown, string]> = {
    'a mask that is misspelled': [
      () => attention({ ...attended, keymask: x }),
      'attention: unknown operand keymask, did you mean keyMask? (it takes query, key, value, bias, keyMask and keyWeight)',
    ],
    'an operand of the operation that is none of the function': [
      () => attention({ ...attended, groups: x }),
      'attention: unknown operand groups (it takes query, key, value, bias, keyMask and keyWeight)',
    ],
    'a misspelled option': [
      () => attention(attended, { casual: true }),
      'attention: unknown option casual (it takes scale, mask and returnLogSumExp)',
    ],
    'an unknown mask': [
      () => attention(attended, { mask: { kind: 'casual' } }),
      'attention: mask.kind must be none, causal, prefix, block or turns, not "casual"',
    ],
    'a misspelled field of a mask': [
      () => attention(attended, { mask: { kind: 'causal', queryOfset: 3 } }),
      'attention: unknown field mask.queryOfset, did you mean queryOffset? (it takes kind and queryOffset)',
    ],
    'a name of another convention': [
      () => matmul({ a: x, b: x }, { transpose_b: true }),
      'matmul: unknown option transpose_b, did you mean transposeB? (it takes activation, negativeSlope, transposeA, transposeB and outDtype)',
    ],
    'tensors in the place of an object': [
      () => matmul(x, x),
      'matmul: the operands must be an object with a and b, not the Tensor f32[2, 2]',
    ],
    'three tensors in the place of an object': [
      () => attention(heads, heads, heads),
      'attention: the operands must be an object with query, key and value, not the Tensor f32[1, 1, 2, 2]',
    ],
    'an array in the place of a tensor': [
      () => softmax([1, 2]),
      'softmax: x must be a tensor, not an array of 2 numbers',
    ],
    'no operand': [() => softmax(), 'softmax: x must be a tensor, not undefined'],
    'a function of the elements': [() => js.exp(3), 'exp: x must be a tensor, not 3'],
    'a sum with a string': [() => js.add(x, '1'), 'add: b must be a tensor or a number, not "1"'],
    'a sum without its second operand': [
      () => js.add(x),
      'add: b must be a tensor or a number, not undefined',
    ],
    'a reduction with an unknown option': [
      () => js.sum(x, { axis: 1 }),
      'sum: unknown option axis, did you mean axes? (it takes axes and keepDims)',
    ],
    'a reduction with another one in its options': [
      () => js.sum(x, { reduction: 'max' }),
      'sum: unknown option reduction (it takes axes and keepDims)',
    ],
    'a weight of another name': [
      () => linear({ input: x, weights: x }),
      'linear: unknown operand weights, did you mean weight? (it takes input, weight and bias)',
    ],
    'an option of the operation that is none of the function': [
      () => linear({ input: x, weight: x }, { transposeB: false }),
      'linear: unknown option transposeB (it takes activation, negativeSlope and outDtype)',
    ],
    'an unknown operand of a convolution': [
      () => conv2d({ input: heads, weight: heads, biass: x }),
      'conv2d: unknown operand biass, did you mean bias? (it takes input, weight and bias)',
    ],
    'options of two axes for one': [
      () => conv1d({ input: heads, weight: heads }, { stride: [1, 1] }),
      'conv1d: stride must be an integer of at least 1, not an array of 2 numbers',
    ],
    'an unknown operand of a gated convolution': [
      () => gatedConv2d({ input: heads, weight: heads, gateWeight: heads, gate_bias: x }),
      'gatedConv2d: unknown operand gate_bias, did you mean gateBias? (it takes input, condition, weight, bias, gateWeight, gateBias, partial and mask)',
    ],
    'an unknown activation': [
      () => layerNorm({ x }, { activation: 'swish' }),
      'layerNorm: activation must be none, relu, leaky_relu, sigmoid, tanh, silu, gelu, gelu_tanh or softplus, not "swish"',
    ],
    'a format that is not there': [
      () => quantizedLinear({ input: x, values: x, scales: x }, { bits: 2 }),
      'quantizedLinear: bits must be 4 or 8, not 2',
    ],
    'an operand of a wrong type': [
      () => softmax(runtime.tensor([1], [1], 'u32')),
      'softmax: x must be f32 or f16, not u32[1]',
    ],
    'a function of another name than the operation': [
      () => js.logSoftmax(runtime.tensor([1], [1], 'u32')),
      'logSoftmax: x must be f32 or f16, not u32[1]',
    ],
    'shapes that do not broadcast': [
      () => js.mul(x, runtime.tensor([1, 2, 3])),
      'mul: shapes [2, 2] and [3] do not broadcast together',
    ],
    'a part of a list': [() => js.concat([x, 1], 0), 'concat: parts[1] must be a tensor, not 1'],
    'tensors without a list': [
      () => js.concat(x, x),
      'concat: parts must be a list of tensors, not the Tensor f32[2, 2]',
    ],
    'an axis that is none': [
      () => js.narrow(x, 2, 0, 1),
      'narrow: axis must be an integer from -2 to 1 for a tensor of rank 2, not 2',
    ],
    'a length that is none': [() => js.narrow(x, 0, 0), 'narrow: size must be an integer, not undefined'],
    'a runtime that is none': [
      () => js.fill({}, [2], 1),
      'fill: runtime must be a Runtime, not an empty object',
    ],
    'a wrong number of moments': [
      () => js.decodeMoments(runtime.zeros([1, 2, 2]), { unit: 0 }),
      'decodeMoments: unit must be a finite number above 0 or a tensor, not 0',
    ],
    'nested weights of an LSTM': [
      () => lstm({ input: x, forward: { weightIh: x, weightHh: x, biasIh: x, biashh: x } } as never),
      'lstm: forward: unknown operand biashh, did you mean biasHh? (it takes weightIh, weightHh, biasIh and biasHh)',
    ],
  };
  for (const [what, [call, message]] of Object.entries(cases)) {
    it(`is refused: ${what}`, () => {
      runtime.scope(() =>
        assert.throws(call, (error) => {
          assert.equal((error as Error).message, message);
          return 'code' in (error as object);
        }),
      );
    });
  }

  it('of two runtimes is refused', async () => {
    const other = await testRuntime();
    const y = other.tensor([1, 2, 3, 4], [2, 2]);
    refused(
      () => matmul({ a: x, b: y }),
      OptionError,
      'matmul',
      'b f32\\[2, 2\\] belongs to another runtime',
    );
    refused(() => js.add(x, y), OptionError, 'add', 'b f32\\[2, 2\\] belongs to another runtime');
    other.destroy();
  });
});

describe('types', () => {
  const { attention, conv2d, linear, matmul, sum } = tal;
  /** Only compiled: a name that is not known must be an error to TypeScript too. */
  function compiled(x: tal.Tensor): void {
    attention({
      query: x,
      key: x,
      value: x,
      // @ts-expect-error misspelled
      keymask: x,
    });
    // @ts-expect-error an option that is not there
    attention({ query: x, key: x, value: x }, { casual: true });
    // @ts-expect-error a name of another convention
    matmul({ a: x, b: x }, { transpose_b: true });
    // @ts-expect-error misspelled
    conv2d({ input: x, weight: x, biass: x });
    // @ts-expect-error left out
    linear({ input: x });
    // @ts-expect-error not a tensor
    linear({ input: x, weight: [1, 2] });
    // @ts-expect-error misspelled
    sum(x, { axis: 1 });
  }

  it('of operands and options know their names', () => assert.equal(typeof compiled, 'function'));
});
