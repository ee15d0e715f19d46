import { normalInitial } from '../../../nn/initial.js';
import type { Parameter } from '../../../nn/module.js';
import type { TransformerBlock } from '../../../nn/transformer.js';
import { add } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { pad } from '../../../ops/array/pad.js';
import { sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { scaleShift } from '../../../ops/array/unary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig, AdaptiveInteraction as Config } from './config.js';
import { type Clips, type Encoded, encodeWith, Interaction, type Told } from './interaction.js';
import { SaliencyToken } from './saliency-token.js';
import { AdaptiveBlock } from './text-to-video.js';
import { TokenSaliency } from './token-saliency.js';

/**
 * CG-DETR (Moon et al., arXiv:2311.08835): dummy tokens, refined by the words, take the attention of clips that no word is
 * about; the saliency token is made of prompts by that attention (`SaliencyToken`), and what the encoder makes of it is added
 * to every clip.
 */
export class AdaptiveInteraction extends Interaction {
  readonly #dummies: Parameter;
  readonly #dummyPositions: Parameter;
  readonly #refining: readonly TransformerBlock[];
  readonly #blocks: readonly AdaptiveBlock[];
  readonly #token: SaliencyToken;
  readonly #tokenPosition: Parameter;
  readonly #saliency: TokenSaliency;

  constructor(
    runtime: Runtime,
    config: CgDetrConfig,
    readonly sizes: Config,
  ) {
    super(runtime, config);
    const { width } = config;
    const learned = (name: string, rows: number) => this.parameter(name, [rows, width], normalInitial(1));
    this.#dummies = learned('dummy_rep_token', sizes.dummies);
    this.#dummyPositions = learned('dummy_rep_pos', sizes.dummies);
    this.#refining = this.blocks('txtproj_encoder', config, sizes.dummyLayers);
    this.#blocks = Array.from({ length: sizes.layers }, (_, i) =>
      this.child(`transformer.t2v_encoder.layers.${i}`, new AdaptiveBlock(runtime, config)),
    );
    this.#token = this.inline(new SaliencyToken(runtime, width, sizes));
    this.#tokenPosition = learned('global_rep_pos', 1);
    this.#saliency = this.inline(new TokenSaliency(runtime, width));
  }

  /** (prompts, d). */
  get prompts(): Tensor {
    return this.#token.prompts;
  }

  /** (D, d). */
  get dummyPositions(): Tensor {
    return this.#dummyPositions.tensor;
  }

  tell(text: Tensor, textMask: Tensor): Told {
    const { runtime } = this;
    const { dummies } = this.sizes;
    const [batch, words, width] = text.shape as [number, number, number];
    return runtime.scope(() => {
      const tokens = broadcastTo(this.#dummies.tensor, [batch, dummies, width]);
      const mask = concat([fill(runtime, [batch, dummies], 1, 'u32'), textMask], 1);
      const positions = pad(this.dummyPositions, { before: [0, 0], after: [words, 0] });
      const refined = encodeWith(this.#refining, concat([tokens, text], 1), mask, positions);
      return { text: concat([narrow(refined, 1, 0, dummies), text], 1), textMask: mask };
    });
  }

  forward({ video, videoMask, positions }: Clips, { text, textMask }: Told): Encoded {
    const { runtime } = this;
    const [batch, clips, width] = video.shape as [number, number, number];
    const { dummies } = this.sizes;
    const words = text.shape[1]! - dummies;
    return runtime.scope(() => {
      // Words have no position: keys are the values.
      const key = runtime.scope(() =>
        add(text, pad(this.dummyPositions, { before: [0, 0], after: [words, 0] })),
      );
      const attended = { key, value: narrow(text, 1, dummies, words), keyMask: textMask };
      let told = video;
      const weights: Tensor[] = [];
      for (const block of this.#blocks) {
        const found = block.forward(told, positions, attended);
        told = found.video;
        weights.push(found.weights);
      }
      const attention = scaleShift(weights.reduce(add), 1 / weights.length, 0);
      const token = this.#blocks.reduce(
        (x, block) => block.alone(x),
        this.#token.forward(video, videoMask, textMass(attention, dummies)),
      );
      const place = broadcastTo(this.#tokenPosition.tensor, [batch, 1, width]);
      const memory = this.encode(
        concat([token, told], 1),
        concat([fill(runtime, [batch, 1], 1, 'u32'), videoMask], 1),
        concat([place, positions], 1),
      );
      const global = narrow(memory, 1, 0, 1);
      const local = add(narrow(memory, 1, 1, clips), global);
      return {
        ...{ memory: local, memoryMask: videoMask, memoryPositions: positions, weights: attention },
        saliency: this.#saliency.forward(local, global),
      };
    });
  }
}

/** Of probabilities (B, T, D + L) the part that words have, (B, T). */
export function textMass(weights: Tensor, dummies: number): Tensor {
  return weights.runtime.scope(() =>
    sum(narrow(weights, 2, dummies, weights.shape[2]! - dummies), { axes: 2 }),
  );
}
