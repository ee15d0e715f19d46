import type { Tensor } from '../../tensor/tensor.js';
import type { OperandKinds } from '../call.js';

/** The weights of one direction, of the type of the input. Gates are in PyTorch's order: input, forget, cell, output. */
export interface LstmWeights {
  /** (4H, I) */
  readonly weightIh: Tensor;
  /** (4H, H) */
  readonly weightHh: Tensor;
  /** (4H) */
  readonly biasIh: Tensor;
  /** (4H) */
  readonly biasHh: Tensor;
}

/** The operands as the operation takes them, flat. */
export interface FlatOperands extends LstmWeights {
  readonly input: Tensor;
  readonly weightIhReverse?: Tensor | undefined;
  readonly weightHhReverse?: Tensor | undefined;
  readonly biasIhReverse?: Tensor | undefined;
  readonly biasHhReverse?: Tensor | undefined;
  readonly lengths?: Tensor | undefined;
  readonly state?: Tensor | undefined;
}

export const weightKinds = {
  weightIh: 'required',
  weightHh: 'required',
  biasIh: 'required',
  biasHh: 'required',
} as const;

export const flatOperands: OperandKinds<FlatOperands> = {
  input: 'required',
  ...weightKinds,
  weightIhReverse: 'optional',
  weightHhReverse: 'optional',
  biasIhReverse: 'optional',
  biasHhReverse: 'optional',
  lengths: 'optional',
  state: 'optional',
};
