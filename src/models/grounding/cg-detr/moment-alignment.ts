import { normalInitial } from '../../../nn/initial.js';
import { Module, type Parameter } from '../../../nn/module.js';
import type { TransformerBlock } from '../../../nn/transformer.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { narrow } from '../../../ops/array/slice.js';
import { where } from '../../../ops/array/where.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { AdaptiveInteraction, CgDetrConfig } from './config.js';
import { type Clips, encoderBlock, encodeWith, type Told } from './interaction.js';

/** Vectors of moments and sentences, and of what they consist of. */
export interface Aligned {
  /** (B, d): the clips of a video's moments. */
  readonly moment: Tensor;
  /** (B, d): its other clips. */
  readonly rest: Tensor;
  /** (B, d): the words. */
  readonly sentence: Tensor;
  /** (B, d): the dummies. */
  readonly dummySentence: Tensor;
  /** (B, T, d): clips, those of moments among each other, and the others. */
  readonly clips: Tensor;
  /** (B, T, D + L): products of the clips with dummies and words. */
  readonly similarity: Tensor;
}

/**
 * CG-DETR's encoders of moments and of sentences, which exist for training alone: a learned token in front of the clips of the
 * moments, of the other clips, of the words or of the dummies becomes their vector. One encoder has both kinds of clips, another
 * words and dummies.
 */
export class MomentAlignment extends Module {
  readonly #sentence: Encoder;
  readonly #moment: Encoder;
  readonly #dummies: number;

  constructor(
    runtime: Runtime,
    config: CgDetrConfig,
    { dummies, sentenceLayers, momentLayers }: AdaptiveInteraction,
  ) {
    super(runtime);
    this.#dummies = dummies;
    const encoder = (token: string, name: string, layers: number): Encoder => ({
      token: this.parameter(`${token}_token`, [config.width], normalInitial(1)),
      position: this.parameter(`${token}_pos`, [config.width], normalInitial(1)),
      blocks: Array.from({ length: layers }, (_, i) =>
        this.child(`${name}.layers.${i}`, encoderBlock(runtime, config)),
      ),
    });
    this.#sentence = encoder('sent_rep', 'scls_encoder', sentenceLayers);
    this.#moment = encoder('moment_rep', 'transformer.mcls_encoder', momentLayers);
  }

  /**
   * @param dummyPositions (D, d); default 0
   * @param moments u32 (B, T): 1 for clips of moments
   */
  forward(
    clips: Clips,
    { text, textMask }: Told,
    dummyPositions: Tensor | undefined,
    moments: Tensor,
  ): Aligned {
    const { runtime } = this;
    const dummies = this.#dummies;
    const { video, videoMask, positions } = clips;
    const [batch, length, width] = video.shape as [number, number, number];
    const words = text.shape[1]! - dummies;
    return runtime.scope(() => {
      const inside = moments.reshape([batch, length, 1]);
      const moment = encodeToken(this.#moment, video, where(moments, videoMask, 0), positions);
      const rest = encodeToken(this.#moment, video, where(moments, 0, videoMask), positions);
      const sentence = encodeToken(
        this.#sentence,
        narrow(text, 1, dummies, words),
        narrow(textMask, 1, dummies, words),
        runtime.zeros([batch, words, width]),
      );
      const dummy = encodeToken(
        this.#sentence,
        narrow(text, 1, 0, dummies),
        fill(runtime, [batch, dummies], 1, 'u32'),
        dummyPositions
          ? broadcastTo(dummyPositions, [batch, dummies, width])
          : runtime.zeros([batch, dummies, width]),
      );
      const seen = where(inside, moment.members, rest.members);
      const told = concat([dummy.members, sentence.members], 1);
      return {
        ...{ moment: moment.token, rest: rest.token, clips: seen },
        ...{ sentence: sentence.token, dummySentence: dummy.token },
        similarity: matmul({ a: seen, b: told }, { transposeB: true }),
      };
    });
  }
}

interface Encoder {
  readonly token: Parameter;
  readonly position: Parameter;
  readonly blocks: readonly TransformerBlock[];
}

/** Members (B, L, d) that `mask` (B, L) lets attend, with the token before them: it, (B, d), and what became of them. */
function encodeToken(
  { token, position, blocks }: Encoder,
  members: Tensor,
  mask: Tensor,
  positions: Tensor,
): { token: Tensor; members: Tensor } {
  const { runtime } = members;
  const [batch, length, width] = members.shape as [number, number, number];
  return runtime.scope(() => {
    const first = ({ tensor }: Parameter) => broadcastTo(tensor, [batch, 1, width]);
    const encoded = encodeWith(
      blocks,
      concat([first(token), members], 1),
      concat([fill(runtime, [batch, 1], 1, 'u32'), mask], 1),
      concat([first(position), positions], 1),
    );
    return {
      token: narrow(encoded, 1, 0, 1).reshape([batch, width]),
      members: narrow(encoded, 1, 1, length),
    };
  });
}
