import { Module } from '../../nn/module.js';
import type { Tensor } from '../../tensor/tensor.js';

/** What a decoder reads of one scale beside the state: the same in all steps of a query. */
export interface ScaleCondition {
  /** F^F of the scale (Q, d_F, rows, A). */
  readonly fused: Tensor;
  /** (Q, 1, rows, A): 1 in valid cells. */
  readonly mask: Tensor;
  /** What `prepare` computed of it once; nothing where gradients are wanted. */
  readonly prepared?: Tensor | undefined;
}

/** The condition-injected decoder of one scale, or of the rows of all (paper, section 3.3.2). */
export abstract class Decoder extends Module {
  /** What of a step depends on the condition alone, computed once a query. */
  abstract prepare(condition: ScaleCondition): ScaleCondition;

  /**
   * @param state Y_t of the scale (Q, 1, rows, A), zero in cells that are not valid
   * @param time SiLU(e_t) (Q, E)
   * @returns the score of each cell (Q, 1, rows, A), before any activation
   */
  abstract forward(state: Tensor, time: Tensor, condition: ScaleCondition): Tensor;
}
