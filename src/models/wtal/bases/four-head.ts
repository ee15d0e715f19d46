import { checkArguments, integer, onlyFields, optional, type Rules } from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { dropRate } from '../../../nn/dropout.js';
import { add } from '../../../ops/array/binary.js';
import { concat } from '../../../ops/array/concat.js';
import { transpose } from '../../../ops/array/permute.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type BaseOutputs, WtalBase } from '../base.js';
import { evenChannels, poolKernel } from './co2net.js';
import { CrossModalHeads } from './cross-modal-heads.js';
import { ModalityBranch } from './modality-branch.js';
import { checkSnippets, modalities, withoutChannel } from './snippets.js';

/** Sizes of the base of ActionDiff's sibling; published: 2048, 20 (+ 1), 1024, 512, four heads. */
export interface FourHeadConfig {
  /** Channels of the snippets: the first half is one modality (RGB), the second the other (flow). */
  readonly channels: number;
  /** K, the background among them as the last. */
  readonly classes: number;
  /** Channels of each modality's classifier. */
  readonly classifierWidth: number;
  /** Channels of the convolutions that attention and actionness come from. */
  readonly attentionWidth: number;
  /** Heads of the cross-modal attention, a divisor of the channels of a modality; default 4. */
  readonly heads?: number;
  /** Share that training drops in the attention; default .5. */
  readonly attentionDropout?: number;
  /**
   * Snippets, odd, over which CAS and actionness (before its sigmoid) are averaged, zeros beyond the ends counted: 13 for
   * ActivityNet.
   */
  readonly pool?: number;
}

const size = integer(1);

export const fourHeadRules: Rules<FourHeadConfig> = {
  channels: evenChannels,
  classes: integer(2),
  classifierWidth: size,
  attentionWidth: size,
  heads: optional(size),
  attentionDropout: optional(dropRate),
  pool: optional(poolKernel),
};

/**
 * The base of ActionDiff's sibling (Pattern Recognition 160:111207): modalities attend each other (`CrossModalHeads`), each is
 * filtered by the other as in CO2-Net (`FilterAttention`), and has a classifier and an actionness of its own. The CAS is
 * the sum of theirs, the features are the filtered modalities side by side, and `segmentScores` gives the family's
 * segment score.
 *
 * The sibling has no class for the background; ours is here so that every loss and inference of this package works on the
 * base (`actionBackground` trains it). All else follows the family: ReLU, kernels of 3 and 1 in the classifier and of 1 and 1
 * in the actionness.
 */
export class FourHead extends WtalBase {
  readonly #cross: CrossModalHeads;
  readonly #rgb: ModalityBranch;
  readonly #flow: ModalityBranch;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: FourHeadConfig,
  ) {
    checkArguments(
      'FourHead',
      { runtime, config },
      { runtime: anyRuntime, config: onlyFields(fourHeadRules) },
    );
    const { channels, classes, classifierWidth, attentionWidth, heads = 4 } = config;
    const { attentionDropout = 0.5, pool } = config;
    const half = channels / 2;
    if (half % heads !== 0) {
      throw new OptionError(
        `FourHead: config.heads must divide the ${half} channels of a modality, not be ${heads}`,
      );
    }
    super(runtime);
    const sizes = { channels: half, classes, classifierWidth, attentionWidth, attentionDropout, pool };
    this.#cross = this.child('cross', new CrossModalHeads(runtime, half, heads));
    this.#rgb = this.child('rgb', new ModalityBranch(runtime, sizes));
    this.#flow = this.child('flow', new ModalityBranch(runtime, sizes));
  }

  get channels(): number {
    return this.config.channels;
  }

  get classes(): number {
    return this.config.classes;
  }

  /** Both modalities, filtered. */
  get width(): number {
    return this.config.channels;
  }

  forward(snippets: Tensor): BaseOutputs {
    checkSnippets('FourHead.forward', 'snippets', snippets, this.channels);
    return this.runtime.scope(() => {
      const [rgb, flow] = this.#cross.forward(...modalities(snippets));
      const ofRgb = this.#rgb.filter(rgb, flow);
      const ofFlow = this.#flow.filter(flow, rgb);
      const attentions = [ofRgb, ofFlow].map(({ attention }) => withoutChannel(attention));
      const actionness = [this.#rgb.actionness(ofRgb.features), this.#flow.actionness(ofFlow.features)];
      return {
        cas: this.#classify(ofRgb.features, ofFlow.features),
        attention: scaleShift(attentions.reduce(add), 0.5, 0),
        modalAttentions: attentions,
        features: transpose(concat([ofRgb.features, ofFlow.features], 1), 1, 2),
        actionness: actionness.map(withoutChannel),
        reconstructions: [],
      };
    });
  }

  classify(features: Tensor): Tensor {
    checkSnippets('FourHead.classify', 'features', features, this.width);
    return this.runtime.scope(() => this.#classify(...modalities(features)));
  }

  /** The filtered modalities (B, channels / 2, T) to the CAS. */
  #classify(rgb: Tensor, flow: Tensor): Tensor {
    return transpose(add(this.#rgb.classify(rgb), this.#flow.classify(flow)), 1, 2);
  }
}
