import { checkArguments, integer, onlyFields, optional, type Rule } from '../../../arguments.js';
import { chain } from '../../../nn/chain.js';
import { dropRate } from '../../../nn/dropout.js';
import { Module } from '../../../nn/module.js';
import { TransformerBlock } from '../../../nn/transformer.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface DualTransformerConfig {
  /** d; published: 512. */
  readonly width: number;
  /** A divisor of the width; published: 4. */
  readonly heads: number;
  /** Layers for the frames, and as many for the words; published: 3. */
  readonly layers: number;
  /** Width between the layers of the feed-forward networks; published: 1024. */
  readonly intermediate: number;
  /** Share that training drops, as in `TransformerBlock`; default 0. */
  readonly dropout?: number;
}

export const dualTransformerRules = {
  width: integer(1),
  heads: integer(1),
  layers: integer(1),
  intermediate: integer(1),
  dropout: optional(dropRate),
};
const configRule: Rule<DualTransformerConfig> = onlyFields<DualTransformerConfig>(dualTransformerRules);

/**
 * The Transformer that rebuilds a caption from a video (Zheng et al., AAAI 2022, as Boosting-WTAL, arXiv:2305.00607, takes it over):
 * frames attend to the frames up to their own, words to the words up to their own and to all frames. Where frames have weights,
 * the probabilities of all attention to them become p w / Σ p w. Post-norm, ReLU.
 */
export class DualTransformer extends Module {
  readonly #visual: readonly TransformerBlock[];
  readonly #text: readonly TransformerBlock[];

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: DualTransformerConfig,
  ) {
    checkArguments('DualTransformer', { runtime, config }, { runtime: anyRuntime, config: configRule });
    super(runtime);
    const { width, heads, layers, intermediate, dropout = 0 } = config;
    const blocks = (name: string, crossAttention: boolean) =>
      Array.from({ length: layers }, (_, i) =>
        this.child(
          `${name}.${i}`,
          new TransformerBlock(runtime, width, { heads, intermediate, crossAttention, dropout }),
        ),
      );
    this.#visual = blocks('visual', false);
    this.#text = blocks('text', true);
  }

  /**
   * Frames (B, T, d) and words (B, L, d) to what is known of the words, (B, L, d).
   * @param weights (B, T), at least 0: how much each frame counts; all alike where absent
   * @throws ShapeError, DtypeError
   */
  forward(frames: Tensor, words: Tensor, weights?: Tensor): Tensor {
    const mask = { kind: 'causal' } as const;
    return this.runtime.scope(() => {
      const seen = chain(frames, this.#visual, (x, block) => block.forward(x, { mask, keyWeight: weights }));
      return chain(words, this.#text, (x, block) =>
        block.forward(x, { mask, memory: seen, memoryWeight: weights }),
      );
    });
  }
}
