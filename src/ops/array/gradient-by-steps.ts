import { Tape } from '../../tensor/tape.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Tensors } from '../call.js';
import type { GradientRule, TensorFields } from '../op.js';
import { add } from './binary.js';

/**
 * The gradient rule of an operation whose output other operations can compute too, which have rules of their own: it
 * runs them once more and walks back through them.
 * @param operands all that `steps` reads
 */
export function gradientBySteps<Inputs extends TensorFields<Inputs>, Options, Problem>(
  operands: readonly (keyof Inputs & string)[],
  steps: (inputs: Inputs, options: Options) => Tensor,
): GradientRule<Inputs, Options, Problem, { output: Tensor }> {
  return {
    keeps: () => ({ inputs: operands }),
    rule({ inputs, options, gradients, wants }) {
      const gradient = gradients.output!;
      const { runtime } = gradient;
      const wanted = operands.filter(wants);
      const tensors = wanted.map((name) => inputs[name]!);
      const tape = new Tape(runtime);
      try {
        for (const tensor of tensors) tape.watch(tensor);
        const output = runtime.withTape(tape, () => steps(inputs, options));
        const found = tape.backward([[output, gradient]], tensors, add);
        return Object.fromEntries(wanted.map((name, i) => [name, found[i]])) as {
          [Name in keyof Inputs]?: Tensor | undefined;
        };
      } finally {
        tape.dispose();
      }
    },
  };
}

/** Whether a tape records what is computed from these operands. */
export function isFollowed(operands: object): boolean {
  return Object.values(operands as Tensors).some((tensor) => tensor?.runtime.tape?.follows(tensor));
}
