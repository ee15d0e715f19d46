import { objectWith, type Rule } from '../arguments.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';

/** A model's last layer, not run yet: its logits are `hidden · weightᵀ`. */
export interface LastLayer {
  /** (B, R, d), f32 or f16. */
  readonly hidden: Tensor;
  /** The vocabulary matrix (V, d), of the same type; the same tensor in both passes. */
  readonly weight: Tensor;
}

export const lastLayerRule: Rule<LastLayer> = objectWith<LastLayer>({ hidden: anyTensor, weight: anyTensor });

/** Guidance has two passes a step. */
export type Pass = 'conditional' | 'unconditional';

/**
 * The model: logits (B, R, V), f32 or f16, of the last R positions of the sequences `tokens` (B, L) u32, R
 * from the length of the answer to L; or what they come from, and then they are never written. The pass is
 * unconditional for guidance: then the prompt among the tokens is masked, and a condition that comes another way
 * must be left out. Recorded once, so it must do the same in every step and read nothing back.
 */
export type TokenLogits = (tokens: Tensor, pass: Pass) => Tensor | LastLayer;

/** A model that keeps something between the steps, such as keys and values, in tensors of its own. */
export interface CachedTokenLogits {
  /** Run before the first step of each decoding, for each pass: computes what no step changes. Recorded once. */
  readonly prepare?: ((tokens: Tensor, pass: Pass) => void) | undefined;
  /** As of a model that keeps nothing. */
  logits(tokens: Tensor, pass: Pass): Tensor | LastLayer;
  /**
   * Takes the place of `logits` in all but the first step of block number `block`: its logits of positions outside of
   * the block may be those of that first step. Recorded whenever a decoding comes to another block.
   */
  readonly inBlock?: ((tokens: Tensor, pass: Pass, block: number) => Tensor | LastLayer) | undefined;
}
