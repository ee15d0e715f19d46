import { anything, callback, checkArgument, listOf, rule } from '../arguments.js';
import { OptionError } from '../errors.js';
import { recordDraws, repeatDraws } from '../ops/random/repeated-draws.js';
import { checkTensor, replaceTensors, type Tensor, tensorsIn } from '../tensor/tensor.js';

const manyTensors = rule<Iterable<Tensor>>(
  'a list of tensors',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
);

/**
 * Computes `body(...inputs)`, keeping only the inputs for the gradient pass, which computes it once more (gradient
 * checkpointing: about a third more time, and of the memory what one such piece needs at a time).
 *
 * `body` must give the same result both times. What it draws from a `Random` is the same both times.
 *
 * @param inputs tensors, also inside arrays, Maps, Sets and plain objects: all that `body` reads and that may be gone later
 * @param parameters tensors that `body` uses beside its inputs and whose gradients are wanted, such as the weights of
 *   the layers that it calls
 */
export function checkpoint<Inputs extends readonly unknown[]>(
  body: (...inputs: Inputs) => Tensor,
  inputs: readonly [...Inputs],
  parameters: Iterable<Tensor> = [],
): Tensor {
  checkArgument('checkpoint', 'body', body, callback);
  checkArgument('checkpoint', 'inputs', inputs, listOf(anything, 'a list of what body takes'));
  checkArgument('checkpoint', 'parameters', parameters, manyTensors);
  const tensors = [...tensorsIn(inputs)];
  const operands = [...tensors, ...parameters];
  const [first] = operands;
  if (!first) throw new OptionError('checkpoint: inputs and parameters must have a tensor, and have none');
  for (const operand of operands) checkTensor('checkpoint', 'each of inputs and parameters', operand);
  const { runtime } = first;
  const { tape } = runtime;
  return runtime.scope(() => {
    const compute = () => {
      const made = runtime.withTape(undefined, () => body(...inputs));
      checkTensor('checkpoint', 'what body gives', made);
      return made;
    };
    const followed = [...operands.keys()].filter((i) => tape?.follows(operands[i]));
    if (!tape || followed.length === 0) return compute();
    const { result, states } = recordDraws(compute);
    // A body may return an input as it is, whose place on the tape must stay.
    const output = runtime.withTape(undefined, () => result.reshape(result.shape));
    const keep = Object.fromEntries([...tensors, ...states].map((tensor, i) => [String(i), tensor]));
    tape.record(
      followed.map((i) => operands[i]),
      [output],
      keep,
      (kept, [gradient]) => {
        const copies = tensors.map((_, i) => kept[String(i)]!);
        const again = [...copies, ...operands.slice(tensors.length)];
        const drawn = states.map((_, i) => kept[String(tensors.length + i)]!);
        return tape.differentiate(
          followed.map((i) => again[i]!),
          () => repeatDraws(drawn, () => body(...replaceTensors(inputs, copies.values()))),
          gradient!,
        );
      },
    );
    // The tape keeps what it needs.
    for (const state of states) state.dispose();
    return output;
  });
}
