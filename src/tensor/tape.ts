import type { Tensor } from './tensor.js';

/** One run of an operation: what a tape needs to find its gradient later. */
export interface OperationRun {
  readonly operation: { readonly name: string };
  readonly inputs: Readonly<Record<string, Tensor | undefined>>;
  readonly options: unknown;
  readonly outputs: Readonly<Record<string, Tensor | undefined>>;
  readonly problem: unknown;
}

/** What operations and views report to while it is the runtime's tape. `valueAndGrad` makes it. */
export interface Tape {
  /** Whether the tensor is watched or was computed from one that is. */
  follows(tensor: Tensor | undefined): boolean;

  /** Records a run of an operation, if any of its operands is followed. */
  recordRun(run: OperationRun): void;

  /**
   * Records a step from operands to results.
   * @param keep what `backward` reads: it is given the same names with tensors that live until it returns
   * @param backward from the gradients of the results to those of the operands, each in the order given here; must give
   *   a gradient to every operand that is followed
   */
  record<Keep extends Readonly<Record<string, Tensor | undefined>>>(
    operands: readonly (Tensor | undefined)[],
    results: readonly Tensor[],
    keep: Keep,
    backward: (kept: Keep, gradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[],
  ): void;

  /**
   * Runs `body` and differentiates its result by some tensors, on a tape of its own: for a step that is computed once more.
   * @param gradient that of the result
   * @returns the gradients of `tensors`, undefined where the result does not depend on one
   */
  differentiate(
    tensors: readonly Tensor[],
    body: () => Tensor,
    gradient: Tensor,
  ): readonly (Tensor | undefined)[];
}
