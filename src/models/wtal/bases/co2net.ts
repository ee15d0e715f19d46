import { checkArguments, integer, onlyFields, optional, type Rules, rule } from '../../../arguments.js';
import type { Conv1d } from '../../../nn/conv.js';
import { Dropout, dropRate } from '../../../nn/dropout.js';
import { add } from '../../../ops/array/binary.js';
import { concat } from '../../../ops/array/concat.js';
import { transpose } from '../../../ops/array/permute.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type BaseOutputs, WtalBase } from '../base.js';
import { FilterAttention, familyConv } from './filter-attention.js';
import { checkSnippets, modalities, smoothed, withoutChannel } from './snippets.js';

/** Sizes of the network of CO2-Net and DELU; published: 2048, 21 or 101, 2048, 512. */
export interface Co2NetConfig {
  /** Channels of the snippets, even: the first half is one modality (RGB), the second the other (flow). */
  readonly channels: number;
  /** K, the background among them as the last. */
  readonly classes: number;
  /** Channels of the fused features and of the classifier. */
  readonly width: number;
  /** Channels of the convolutions that the attention comes from. */
  readonly attentionWidth: number;
  /** Share that training drops in the attention; default .5. */
  readonly attentionDropout?: number;
  /** Share that training drops of the fused features and in the classifier; default .7. */
  readonly dropout?: number;
  /** Snippets, odd, over which CAS and attentions are averaged, zeros beyond the ends counted: 13 for ActivityNet. */
  readonly pool?: number;
  /**
   * Channels of the code of the auto-encoders of Boosting-WTAL's attention (512 there), which then takes the place of
   * CO2-Net's.
   */
  readonly autoEncoder?: number;
}

const size = integer(1);
export const evenChannels = rule<number>(
  'an even integer of at least 2',
  (value) => Number.isSafeInteger(value) && Number(value) >= 2 && Number(value) % 2 === 0,
);
export const poolKernel = rule<number>(
  'an odd integer from 1 to 65535',
  (value) => integer(1, 0xffff).accepts(value) && value % 2 === 1,
);

export const co2NetRules: Rules<Co2NetConfig> = {
  channels: evenChannels,
  classes: integer(2),
  width: size,
  attentionWidth: size,
  attentionDropout: optional(dropRate),
  dropout: optional(dropRate),
  pool: optional(poolKernel),
  autoEncoder: optional(size),
};

/**
 * The network of CO2-Net (Hong et al., arXiv:2107.12589) and of DELU (Chen et al., ECCV 2022), which differ in their losses
 * only. Two modalities are filtered by each other (`FilterAttention`), fused to X0 by a convolution, and classified snippet
 * by snippet; the attention is the mean of the modalities'. Weights begin as there: Kaiming uniform, biases 0. The names of
 * the weights are those of the released checkpoints, whose `feat_encoder` nothing reads.
 */
export class Co2Net extends WtalBase {
  readonly #attentions: readonly [FilterAttention, FilterAttention];
  readonly #fusion: Conv1d;
  readonly #hidden: Conv1d;
  readonly #scores: Conv1d;
  readonly #dropout: Dropout;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: Co2NetConfig,
  ) {
    checkArguments('Co2Net', { runtime, config }, { runtime: anyRuntime, config: onlyFields(co2NetRules) });
    super(runtime);
    const { channels, classes, width, attentionWidth, attentionDropout = 0.5, dropout = 0.7 } = config;
    const { autoEncoder: code } = config;
    const attention = { channels: channels / 2, width: attentionWidth, dropout: attentionDropout, code };
    this.#attentions = [
      this.child('vAttn', new FilterAttention(runtime, attention)),
      this.child('fAttn', new FilterAttention(runtime, attention)),
    ];
    this.#fusion = this.child('fusion.0', familyConv(runtime, channels, width, 1));
    this.#hidden = this.child('classifier.1', familyConv(runtime, width, width, 3));
    this.#scores = this.child('classifier.4', familyConv(runtime, width, classes, 1, {}));
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
    this.unused('feat_encoder.0.weight');
    this.unused('feat_encoder.0.bias');
  }

  get channels(): number {
    return this.config.channels;
  }

  get classes(): number {
    return this.config.classes;
  }

  get width(): number {
    return this.config.width;
  }

  forward(snippets: Tensor): BaseOutputs {
    checkSnippets('Co2Net.forward', 'snippets', snippets, this.channels);
    return this.runtime.scope(() => {
      const { pool } = this.config;
      const [rgb, flow] = modalities(snippets);
      const [v, f] = this.#attentions;
      const filtered = [v.forward(rgb, flow), f.forward(flow, rgb)] as const;
      const joined = concat([filtered[0].features, filtered[1].features], 1);
      const fused = this.#dropout.forward(this.#fusion.forward(joined));
      const [ofRgb, ofFlow] = filtered.map(({ attention }) => withoutChannel(smoothed(attention, pool))) as [
        Tensor,
        Tensor,
      ];
      // Each attention rebuilds the modality that it filters by.
      const rebuilt = [
        [flow, filtered[0].rebuilt],
        [rgb, filtered[1].rebuilt],
      ] as const;
      return {
        cas: this.#classify(fused),
        attention: scaleShift(add(ofRgb, ofFlow), 0.5, 0),
        modalAttentions: [ofRgb, ofFlow],
        features: transpose(fused, 1, 2),
        actionness: [],
        reconstructions: rebuilt.flatMap(([modality, by]) => (by ? [{ modality, rebuilt: by }] : [])),
      };
    });
  }

  classify(features: Tensor): Tensor {
    checkSnippets('Co2Net.classify', 'features', features, this.width);
    return this.runtime.scope(() => this.#classify(transpose(features, 1, 2)));
  }

  /** X0 (B, width, T) to the CAS. */
  #classify(fused: Tensor): Tensor {
    const hidden = this.#hidden.forward(this.#dropout.forward(fused));
    const scores = this.#scores.forward(this.#dropout.forward(hidden));
    return transpose(smoothed(scores, this.config.pool), 1, 2);
  }
}
