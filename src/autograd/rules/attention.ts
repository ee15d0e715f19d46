import { attentionOperation } from '../../ops/attention/attention.js';
import { attentionGradientOperation } from '../../ops/attention/attention-gradient.js';
import { rotary, rotaryOperation } from '../../ops/attention/rotary.js';
import { windowedAttentionOperation } from '../../ops/attention/windowed-attention.js';
import { windowedAttentionGradientOperation } from '../../ops/attention/windowed-attention-gradient.js';
import { gradientOf } from '../gradient-rule.js';

export const attentionRules = [
  gradientOf(attentionOperation, {
    keeps: () => ({
      inputs: ['query', 'key', 'value', 'bias', 'keyMask', 'keyWeight', 'groups'],
      outputs: ['output', 'logSumExp'],
    }),
    rule: ({ inputs, outputs, options, gradients, wants }) =>
      attentionGradientOperation.run(
        {
          ...inputs,
          output: outputs.output,
          logSumExp: outputs.logSumExp!,
          outputGradient: gradients.output,
          logSumExpGradient: gradients.logSumExp,
        },
        { ...options, ofKeyWeight: wants('keyWeight') },
      ),
  }),
  gradientOf(rotaryOperation, {
    keeps: () => ({ inputs: ['table', 'positions'] }),
    rule({ inputs: { table, positions }, options, gradients }) {
      const turnedBack = { ...options, inverse: !options.inverse };
      return { x: rotary({ x: gradients.output!, table, positions }, turnedBack) };
    },
  }),
  gradientOf(windowedAttentionOperation, {
    keeps: () => ({ inputs: ['query', 'key', 'value'] }),
    rule: ({ inputs, options, gradients }) =>
      windowedAttentionGradientOperation.run({ ...inputs, gradient: gradients.output! }, options),
  }),
];
