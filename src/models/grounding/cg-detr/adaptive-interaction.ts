import { normalInitial } from '../../../nn/initial.js';
import type { Parameter } from '../../../nn/module.js';
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
import { GuidedEnhancement } from '../masra/guided-enhancement.js';
import { SecondOrderAttention } from '../masra/second-order.js';
import type { CgDetrConfig, AdaptiveInteraction as Config } from './config.js';
import { type Dummies, dummiesOf } from './dummies.js';
import { type Clips, type Encoded, Interaction, type Told, withNext } from './interaction.js';
import { SaliencyToken } from './saliency-token.js';
import { AdaptiveBlock } from './text-to-video.js';
import { TokenSaliency } from './token-saliency.js';

/**
 * CG-DETR (Moon et al., arXiv:2311.08835): dummy tokens take the attention of clips that no word is about (`Dummies`); the
 * saliency token is made of prompts by that attention (`SaliencyToken`), and what the encoder makes of it is added
 * to every clip. MASRA's enhancement and relational attention come before the encoder.
 */
export class AdaptiveInteraction extends Interaction {
  readonly #dummies: Dummies;
  readonly #blocks: readonly AdaptiveBlock[];
  readonly #token: SaliencyToken;
  readonly #tokenPosition: Parameter;
  readonly #saliency: TokenSaliency;
  readonly #enhancement: GuidedEnhancement | undefined;
  readonly #relations: SecondOrderAttention | undefined;

  constructor(
    runtime: Runtime,
    config: CgDetrConfig,
    readonly sizes: Config,
  ) {
    super(runtime, config);
    const { width, masra = {} } = config;
    this.#dummies = this.inline(dummiesOf(runtime, config, sizes));
    this.#blocks = Array.from({ length: sizes.layers }, (_, i) =>
      this.child(`transformer.t2v_encoder.layers.${i}`, new AdaptiveBlock(runtime, config)),
    );
    this.#token = this.inline(new SaliencyToken(runtime, width, sizes));
    this.#tokenPosition = this.parameter('global_rep_pos', [1, width], normalInitial(1));
    this.#saliency = this.inline(new TokenSaliency(runtime, width));
    this.#enhancement = masra.guidedEnhancement
      ? this.child('masra.guided_enhancement', new GuidedEnhancement(runtime, config))
      : undefined;
    this.#relations =
      masra.secondOrder &&
      this.child('masra.second_order', new SecondOrderAttention(runtime, config, masra.secondOrder.channels));
  }

  /** (prompts, d). */
  get prompts(): Tensor {
    return this.#token.prompts;
  }

  /** (D, d); undefined where dummies have no positions. */
  get dummyPositions(): Tensor | undefined {
    return this.#dummies.positions;
  }

  /** (K, d): the codes of the codebook that dummies come from; undefined where there is none. */
  get codes(): Tensor | undefined {
    return this.#dummies.codes;
  }

  tell(text: Tensor, textMask: Tensor, clips: Clips): Told {
    const { runtime } = this;
    return runtime.scope(() => {
      const { tokens, retrieved } = this.#dummies.forward(text, textMask, clips);
      const present = fill(runtime, tokens.shape.slice(0, 2), 1, 'u32');
      return {
        ...{ text: concat([tokens, text], 1), textMask: concat([present, textMask], 1) },
        ...(retrieved && { retrieved }),
      };
    });
  }

  override tellPairs(text: Tensor, textMask: Tensor, clips: Clips): Told {
    if (!this.#dummies.ofVideo) return super.tellPairs(text, textMask, clips);
    return this.runtime.scope(() => this.tell(withNext(text), withNext(textMask), clips));
  }

  forward({ video, videoMask, positions, context }: Clips, { text, textMask }: Told): Encoded {
    const { runtime } = this;
    const [batch, clips, width] = video.shape as [number, number, number];
    const { dummies } = this.sizes;
    const words = text.shape[1]! - dummies;
    return runtime.scope(() => {
      // Words have no position: keys are the values.
      const places = this.dummyPositions;
      const key = places
        ? runtime.scope(() => add(text, pad(places, { before: [0, 0], after: [words, 0] })))
        : text;
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
      const features = this.#enhancement?.forward(told, context!, videoMask) ?? told;
      const related = this.#relations?.forward(features, videoMask) ?? features;
      const place = broadcastTo(this.#tokenPosition.tensor, [batch, 1, width]);
      const memory = this.encode(
        concat([token, related], 1),
        concat([fill(runtime, [batch, 1], 1, 'u32'), videoMask], 1),
        concat([place, positions], 1),
      );
      const global = narrow(memory, 1, 0, 1);
      const local = add(narrow(memory, 1, 1, clips), global);
      return {
        ...{ memory: local, memoryMask: videoMask, memoryPositions: positions, weights: attention },
        ...{ saliency: this.#saliency.forward(local, global), features },
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
