import { chain } from '../../../nn/chain.js';
import { Module } from '../../../nn/module.js';
import { TransformerBlock } from '../../../nn/transformer.js';
import { concat } from '../../../ops/array/concat.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { RetrievedCodes } from '../masra/codebook.js';
import type { CgDetrConfig } from './config.js';

/** Clips as they are projected. */
export interface Clips {
  /** (B, T, d). */
  readonly video: Tensor;
  /** u32 (B, T). */
  readonly videoMask: Tensor;
  /** (B, T, d): sine embeddings of their places. */
  readonly positions: Tensor;
  /** (B, T, d): H, their temporal context, where a part of MASRA needs it. */
  readonly context?: Tensor;
}

/** What clips attend to: D dummies, which may be none, and L words. */
export interface Told {
  /** (B, D + L, d). */
  readonly text: Tensor;
  /** u32 (B, D + L). */
  readonly textMask: Tensor;
  /** Where the dummies come from a codebook. */
  readonly retrieved?: RetrievedCodes;
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
  /** (B, T, d): the clips that know the text, before relations and encoder. */
  readonly features?: Tensor;
}

/** How clips learn of the text, and the encoder after it. */
export abstract class Interaction extends Module {
  readonly #encoder: readonly TransformerBlock[];

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime);
    this.#encoder = this.blocks('transformer.encoder', config, config.encoderLayers);
  }

  /** Words (B, L, d) with their mask, to what the clips (B, …) attend to. */
  abstract tell(text: Tensor, textMask: Tensor, clips: Clips): Told;

  /**
   * As `tell`, of clips (2 B, …) that are twice the same videos: what these attend to with their own text, and then with that of the
   * next video, the last with the first.
   */
  tellPairs(text: Tensor, textMask: Tensor, clips: Clips): Told {
    return this.runtime.scope(() => {
      const told = this.tell(text, textMask, clips);
      return { text: withNext(told.text), textMask: withNext(told.textMask) };
    });
  }

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

/** (B, …) to (2 B, …): the elements, then for each the next one, for the last the first. */
export function withNext(x: Tensor): Tensor {
  const batch = x.shape[0]!;
  if (batch === 1) return concat([x, x], 0);
  return x.runtime.scope(() => concat([x, narrow(x, 0, 1, batch - 1), narrow(x, 0, 0, 1)], 0));
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
