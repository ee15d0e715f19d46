import type { AnyOperation, Operation, TensorFields } from '../ops/op.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** What a gradient rule works with. */
export interface GradientContext<Inputs, Options, Problem, Outputs> {
  /** The operands that `keeps` names, and no others. */
  readonly inputs: Inputs;
  /** The results that `keeps` names, and no others. */
  readonly outputs: Outputs;
  readonly options: Options;
  readonly problem: Problem;
  /** Shapes of all operands, kept or not. */
  readonly shapes: { readonly [Name in keyof Inputs]: Shape };
  /** The gradients of the results; undefined where none flows back from one. */
  readonly gradients: { readonly [Name in keyof Outputs]?: Tensor | undefined };
  /** Whether the gradient of an operand is of use. */
  wants(name: keyof Inputs & string): boolean;
  /**
   * Runs `body` and differentiates its result by `tensors`: for an operation that others can compute too.
   * @param gradient that of the result
   */
  differentiate(
    tensors: readonly Tensor[],
    body: () => Tensor,
    gradient: Tensor,
  ): readonly (Tensor | undefined)[];
}

/** How the gradients of the results of an operation become those of its operands. */
export interface GradientRule<Inputs, Options, Problem, Outputs> {
  /** Operands and results that the rule reads: all else may be freed after the forward pass. */
  keeps?(problem: Problem): {
    readonly inputs?: readonly (keyof Inputs & string)[];
    readonly outputs?: readonly (keyof Outputs & string)[];
  };
  /** The gradients of the operands that are wanted, of their shapes and types. Records other operations. */
  rule(context: GradientContext<Inputs, Options, Problem, Outputs>): {
    readonly [Name in keyof Inputs]?: Tensor | undefined;
  };
}

/** The rule of any operation, for the table of them. */
// biome-ignore lint/suspicious/noExplicitAny: operands, options and outputs differ from one to the next
export type AnyGradientRule = GradientRule<any, any, any, any>;

/** An operation with its rule: a row of the table. */
export type RuleOfOperation = readonly [operation: AnyOperation, rule: AnyGradientRule];

/** States the gradient rule of an operation. */
export function gradientOf<
  Inputs extends TensorFields<Inputs>,
  Options,
  Problem,
  Outputs extends TensorFields<Outputs>,
>(
  operation: Operation<Inputs, Options, Problem, Outputs>,
  rule: GradientRule<Inputs, Options, Problem, Outputs>,
): RuleOfOperation {
  return [operation, rule];
}
