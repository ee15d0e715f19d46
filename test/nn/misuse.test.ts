import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tal from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
// biome-ignore lint/suspicious/noExplicitAny: called as JavaScript calls it
const js: any = tal;
const x = runtime.tensor([1, 2, 3, 4], [2, 2]);

/** A wrong call, and the whole message. */
type Wrong = Record<string, [() => unknown, string]>;

function refuses(calls: Wrong): void {
  for (const [what, [call, message]] of Object.entries(calls)) {
    it(what, () => {
      assert.throws(call, (error) => {
        assert.ok(error instanceof tal.TalError, String(error));
        assert.equal(error.message, message);
        return true;
      });
    });
  }
}

describe('a layer is refused:', () => {
  const sizes: Record<string, unknown[]> = {
    Linear: [2, 3],
    QuantizedLinear: [2, 3, { bits: 8 }],
    Conv1d: [2, 3, 3],
    Conv2d: [2, 3, 3],
    GatedConv2d: [2, 3, 3],
    Embedding: [4, 2],
    FeedForward: [2, 3],
    Lstm: [2, 3],
    Mlp: [2, 3, 2, { layers: 2 }],
    MultiHeadAttention: [4, 2],
    TransformerBlock: [2, { heads: 1, intermediate: 2 }],
    LayerNorm: [2],
    RmsNorm: [2],
    GroupNorm: [1, 2],
    BatchNorm1d: [2],
    BatchNorm2d: [2],
  };
  for (const [name, given] of Object.entries(sizes)) {
    const numbers = given.filter((size) => typeof size === 'number');
    const options = given.find((size) => typeof size === 'object') ?? {};
    const wrong = (call: () => unknown, said: RegExp) =>
      assert.throws(call, (error) => {
        assert.ok(error instanceof tal.OptionError, String(error));
        assert.match(error.message, said);
        return true;
      });
    it(name, () => {
      assert.ok(new js[name](runtime, ...given));
      wrong(() => new js[name](), new RegExp(`^${name}: runtime must be a Runtime, not undefined`, 'i'));
      wrong(() => new js[name](x, ...given), new RegExp(`^${name}: runtime must be a Runtime`, 'i'));
      numbers.forEach((_, k) => {
        for (const odd of [0, 1.5, '2', undefined, Number.NaN]) {
          const odds = numbers.map((size, j) => (j === k ? odd : size));
          wrong(
            () => new js[name](runtime, ...odds, options),
            new RegExp(`^${name}: \\w+ must be an integer`),
          );
        }
      });
      if (name === 'Embedding') return;
      wrong(
        () => new js[name](runtime, ...numbers, { ...options, qqqqqq: false }),
        new RegExp(`^${name}: unknown option qqqqqq`),
      );
      wrong(
        () => new js[name](runtime, ...numbers, true),
        new RegExp(`^${name}: the options must be an object with .*, not true`),
      );
    });
  }
  refuses({
    'a misspelled option': [
      () => new js.Linear(runtime, 2, 3, { biass: false }),
      'Linear: unknown option biass, did you mean bias? (it takes bias, initial and dtype)',
    ],
    'a string for a flag': [
      () => new js.Linear(runtime, 2, 3, { bias: 'no' }),
      'Linear: bias must be true or false, not "no"',
    ],
    'numbers for what gives them': [
      () => new js.Linear(runtime, 2, 3, { initial: 0.5 }),
      'Linear: initial must be a function, not 0.5',
    ],
    'groups that do not divide': [
      () => new js.GroupNorm(runtime, 3, 4),
      'GroupNorm: groups must divide the 4 channels, not 3',
    ],
    'heads that do not divide': [
      () => new js.MultiHeadAttention(runtime, 4, 3),
      'MultiHeadAttention: heads must divide the width 4, not be 3',
    ],
    'packed matrices that are quantised': [
      () => new js.MultiHeadAttention(runtime, 64, 1, { weights: 'int8' }),
      'MultiHeadAttention: packed projections can be neither adapted nor quantised: name four',
    ],
    'too few names of norms': [
      () => new js.TransformerBlock(runtime, 2, { heads: 1, intermediate: 2, names: { norms: ['a'] } }),
      'TransformerBlock: names.norms must be 2 names, not 1',
    ],
    'a probability above 1': [
      () => new js.Dropout(runtime, 1.5),
      'Dropout: p must be a number from 0 to 1, not 1.5',
    ],
    'a rank of LoRA': [
      () => new js.LoraAdapter(runtime, { rank: 0, alpha: 1, targets: ['q'] }),
      'LoraAdapter: rank must be an integer of at least 1, not 0',
    ],
    'a target of LoRA without a list': [
      () => new js.LoraAdapter(runtime, { rank: 1, alpha: 1, targets: 'q_proj' }),
      'LoraAdapter: targets must be an array, each item a string, not "q_proj"',
    ],
    'a start that is none': [
      () => js.constantInitial('0'),
      'constantInitial: value must be a finite number, not "0"',
    ],
  });
});

describe('a call of a layer is refused:', () => {
  const linear = new js.Linear(runtime, 2, 3).initialize(1);
  const quantized = new js.QuantizedLinear(runtime, 2, 3, { bits: 8 }).initialize(1);
  const norm = new js.LayerNorm(runtime, 2).initialize(1);
  const batchNorm = new js.BatchNorm1d(runtime, 2).initialize(1);
  const lstm = new js.Lstm(runtime, 2, 2).initialize(1);
  const gated = new js.GatedConv2d(runtime, 1, 1, 1).initialize(1);
  const image = x.reshape([1, 1, 2, 2]);
  const attention = new js.MultiHeadAttention(runtime, 2, 1).initialize(1);
  const block = new js.TransformerBlock(runtime, 2, { heads: 1, intermediate: 2 }).initialize(1);
  refuses({
    'of attention with another width': [
      () => attention.forward(x.reshape([1, 1, 4])),
      'multiHeadAttention: x must have the shape [1, 1, 2], not [1, 1, 4]',
    ],
    'of attention without a batch': [
      () => attention.forward(x),
      'multiHeadAttention: x must have the shape [2, 2, 2], not [2, 2]',
    ],
    'of a block without cross-attention with another sequence': [
      () => block.forward(x.reshape([1, 2, 2]), { memory: x.reshape([1, 2, 2]) }),
      'transformerBlock: memory and what belongs to it need cross-attention',
    ],

    'without an input': [() => linear.forward(), 'linear: input must be a tensor, not undefined'],
    'with an array': [
      () => linear.forward([1, 2]),
      'linear: input must be a tensor, not an array of 2 numbers',
    ],
    'with a misspelled option': [
      () => linear.forward(x, { activaton: 'relu' }),
      'linear: unknown option activaton, did you mean activation? (it takes activation, negativeSlope and outDtype)',
    ],
    'of quantised weights with a number for options': [
      () => quantized.forward(x, 3),
      'quantizedLinear: the options must be an object with activation, negativeSlope and outDtype, not 3',
    ],
    'with a style that would replace the weight': [
      () => norm.forward(x, { scale: x, shift: x, weight: x }),
      'layerNorm: unknown operand weight (it takes scale and shift)',
    ],
    'with half a style': [
      () => norm.forward(x, { scale: x }),
      'layerNorm: shift must be a tensor, not undefined',
    ],
    'of a norm without an input': [() => batchNorm.forward(), 'batchNorm: x must be a tensor, not undefined'],
    'of a norm with other axes': [
      () => batchNorm.forward(image),
      'BatchNorm1d: x must have 2 or 3 axes, not f32[1, 1, 2, 2]',
    ],
    'of an LSTM with a misspelled option': [
      () => lstm.forward(x.reshape([1, 2, 2]), { length: x }),
      'lstm: unknown option length, did you mean lengths? (it takes lengths and states)',
    ],
    'of a gated convolution with another input in its options': [
      () => gated.forward(image, { input: image }),
      'gatedConv2d: unknown operand input (it takes condition and partial)',
    ],
    'with a seed that is none': [
      () => linear.initialize('1'),
      'initialize: seed must be an integer from 0 to 4294967295, not "1"',
    ],
    'with a word for training': [
      () => linear.train('yes'),
      'train: training must be true or false, not "yes"',
    ],
  });
});
