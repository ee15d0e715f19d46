import { normalInitial } from '../../../nn/initial.js';
import { Module, type Parameter } from '../../../nn/module.js';
import type { TransformerBlock } from '../../../nn/transformer.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { pad } from '../../../ops/array/pad.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { Codebook, type RetrievedCodes } from '../masra/codebook.js';
import type { AdaptiveInteraction, CgDetrConfig } from './config.js';
import { type Clips, encoderBlock, encodeWith } from './interaction.js';

/** Tokens that take the attention of clips that no word is about. */
export interface DummyTokens {
  /** (B, D, d). */
  readonly tokens: Tensor;
  /** Of tokens from a codebook. */
  readonly retrieved?: RetrievedCodes;
}

/** Where dummy tokens come from. */
export abstract class Dummies extends Module {
  /** (D, d): positions of the tokens; undefined where they have none. */
  abstract readonly positions: Tensor | undefined;
  /** Whether the tokens depend on the video. */
  abstract readonly ofVideo: boolean;
  /** (K, d): the codes of a codebook; undefined where there is none. */
  abstract readonly codes: Tensor | undefined;

  /** Tokens for words (B, L, d) with their mask, and for the clips that are to attend to both. */
  abstract forward(text: Tensor, textMask: Tensor, clips: Clips): DummyTokens;
}

export function dummiesOf(runtime: Runtime, config: CgDetrConfig, sizes: AdaptiveInteraction): Dummies {
  return sizes.codes === undefined
    ? new LearnedDummies(runtime, config, sizes)
    : new CodebookDummies(runtime, config, sizes, sizes.codes);
}

/** CG-DETR: learned tokens, refined by the words. */
class LearnedDummies extends Dummies {
  readonly ofVideo = false;
  readonly codes = undefined;
  readonly #tokens: Parameter;
  readonly #positions: Parameter;
  readonly #blocks: readonly TransformerBlock[];

  constructor(runtime: Runtime, config: CgDetrConfig, { dummies, dummyLayers }: AdaptiveInteraction) {
    super(runtime);
    const learned = (name: string) => this.parameter(name, [dummies, config.width], normalInitial(1));
    this.#tokens = learned('dummy_rep_token');
    this.#positions = learned('dummy_rep_pos');
    this.#blocks = Array.from({ length: dummyLayers }, (_, i) =>
      this.child(`txtproj_encoder.layers.${i}`, encoderBlock(runtime, config)),
    );
  }

  get positions(): Tensor {
    return this.#positions.tensor;
  }

  forward(text: Tensor, textMask: Tensor): DummyTokens {
    const { runtime } = this;
    const [batch, words] = text.shape as [number, number];
    const { tensor: learned } = this.#tokens;
    const [dummies, width] = learned.shape as [number, number];
    return runtime.scope(() => {
      const tokens = broadcastTo(learned, [batch, dummies, width]);
      const mask = concat([fill(runtime, [batch, dummies], 1, 'u32'), textMask], 1);
      const positions = pad(this.positions, { before: [0, 0], after: [words, 0] });
      const refined = encodeWith(this.#blocks, concat([tokens, text], 1), mask, positions);
      return { tokens: narrow(refined, 1, 0, dummies) };
    });
  }
}

/** MASRA: the codes that are nearest to what the video shows and the text does not say. */
class CodebookDummies extends Dummies {
  readonly ofVideo = true;
  readonly positions = undefined;
  readonly #codebook: Codebook;

  constructor(runtime: Runtime, { width }: CgDetrConfig, { dummies }: AdaptiveInteraction, codes: number) {
    super(runtime);
    this.#codebook = this.child('masra.codebook', new Codebook(runtime, width, codes, dummies));
  }

  get codes(): Tensor {
    return this.#codebook.codes;
  }

  forward(text: Tensor, textMask: Tensor, { video, videoMask }: Clips): DummyTokens {
    return this.runtime.scope(() => {
      const retrieved = this.#codebook.forward({ video, videoMask, text, textMask });
      return { tokens: retrieved.tokens, retrieved };
    });
  }
}
