import { chain } from '../../../nn/chain.js';
import { Module } from '../../../nn/module.js';
import { TransformerBlock } from '../../../nn/transformer.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';

/** Clips as they are projected. */
export interface Clips {
  /** (B, T, d). */
  readonly video: Tensor;
  /** u32 (B, T). */
  readonly videoMask: Tensor;
  /** (B, T, d): sine embeddings of their places. */
  readonly positions: Tensor;
}

/** What clips attend to: D dummies, which may be none, and L words. */
export interface Told {
  /** (B, D + L, d). */
  readonly text: Tensor;
  /** u32 (B, D + L). */
  readonly textMask: Tensor;
}

/** What the encoder makes of clips and text. */
export interface Encoded {
  /** (B, S, d): the clips, which come first, and whatever the decoder sees beside. */
  readonly memory: Tensor;
  /** u32 (B, S). */
  readonly memoryMask: Tensor;
  /** (B, S, d). */
  readonly memoryPositions: Tensor;
  /** (B, T): how well each clip shows what the text is about; logits. */
  readonly saliency: Tensor;
  /** (B, T, D + L): the probabilities that clips gave dummies and words, the mean over layers and heads. */
  readonly weights?: Tensor;
}

/** How clips learn of the text, and the encoder after it. */
export abstract class Interaction extends Module {
  readonly #encoder: readonly TransformerBlock[];

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime);
    this.#encoder = this.blocks('transformer.encoder', config, config.encoderLayers);
  }

  /** Words (B, L, d) with their mask, to what clips attend to. */
  abstract tell(text: Tensor, textMask: Tensor): Told;

  abstract forward(clips: Clips, told: Told): Encoded;

  /** The encoder on a sequence (B, S, d). */
  protected encode(sequence: Tensor, keyMask: Tensor, positions: Tensor): Tensor {
    return encodeWith(this.#encoder, sequence, keyMask, positions);
  }

  /** Declares layers `name.layers.0`, …. */
  protected blocks(name: string, config: CgDetrConfig, layers: number): TransformerBlock[] {
    return Array.from({ length: layers }, (_, i) =>
      this.child(`${name}.layers.${i}`, encoderBlock(this.runtime, config)),
    );
  }
}

export function encoderBlock(runtime: Runtime, config: CgDetrConfig): TransformerBlock {
  const { width, heads, intermediate, activation, dropout, dropPath } = config;
  return new TransformerBlock(runtime, width, { heads, intermediate, activation, dropout, dropPath });
}

/** Passes a sequence (B, S, d) through layers that add positions, which broadcast to it, to queries and keys. */
export function encodeWith(
  blocks: readonly TransformerBlock[],
  sequence: Tensor,
  keyMask: Tensor,
  positions: Tensor,
): Tensor {
  return chain(sequence, blocks, (x, block) => block.forward(x, { keyMask, positions }));
}
