import type { Tensor } from '../../../tensor/tensor.js';
import type { MaskBank } from './mask-bank.js';

/** What a training step of the diffusion draws. */
export interface DiffusionDraw {
  /** u32 (B): the time of each mask. */
  readonly t: Tensor;
  /** f32 (B, C, T), standard normal. */
  readonly noise: Tensor;
  /** f32 (B, 3): the shares of X, X ⊙ attention and X ⊙ mask in the condition; all 0 for none. */
  readonly gate: Tensor;
}

export interface DiffusionOperands extends DiffusionDraw {
  /** f32 (B, K − 1): 1 where the video has the class, else 0. */
  readonly labels: Tensor;
  /** The masks of all videos, for mode `family`, which reads and writes them. */
  readonly bank?: MaskBank | undefined;
}
