import { lstmOperation } from '../../ops/recurrent/lstm.js';
import { lstmGradientOperation } from '../../ops/recurrent/lstm-gradient.js';
import { type FlatOperands, flatOperands } from '../../ops/recurrent/lstm-operands.js';
import { gradientOf } from '../gradient-rule.js';

const operandNames = Object.keys(flatOperands) as readonly (keyof FlatOperands)[];

export const recurrentRules = [
  gradientOf(lstmOperation, {
    keeps: () => ({ inputs: operandNames, outputs: ['output'] }),
    rule({ inputs, outputs, gradients, wants }) {
      return lstmGradientOperation.run(
        {
          ...inputs,
          output: outputs.output,
          outputGradient: gradients.output,
          stateGradient: gradients.state,
        },
        { wanted: operandNames.filter(wants) },
      );
    },
  }),
];
