import { checkArguments, integer, onlyFields, optional, type Rules } from '../../../arguments.js';
import type { Conv1d } from '../../../nn/conv.js';
import { Dropout, dropRate } from '../../../nn/dropout.js';
import { transpose } from '../../../ops/array/permute.js';
import { sigmoid } from '../../../ops/array/unary.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type BaseOutputs, WtalBase } from '../base.js';
import { familyConv } from './filter-attention.js';
import { checkSnippets, withoutChannel } from './snippets.js';

/** Sizes of the local base. */
export interface LocalConfig {
  readonly channels: number;
  /** K, the background among them as the last. */
  readonly classes: number;
  /** Channels of the features. */
  readonly width: number;
  /** Share that training drops before both layers; default 0. */
  readonly dropout?: number;
}

const size = integer(1);

export const localRules: Rules<LocalConfig> = {
  channels: size,
  classes: integer(2),
  width: size,
  dropout: optional(dropRate),
};

/**
 * A base that judges each snippet by itself (ours): features by a convolution of one snippet, and from them the CAS and an
 * attention, each by a linear layer. What came before and after a snippet must be in the snippets.
 *
 * The filter of CO2-Net sees the mean of the video. Where bags show several classes, it can tell a snippet by what else is in
 * the bag, which is the label itself: on recordings of people its training loss falls far lower, and it localizes far worse.
 */
export class LocalBase extends WtalBase {
  readonly #features: Conv1d;
  readonly #scores: Conv1d;
  readonly #attention: Conv1d;
  readonly #dropout: Dropout;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: LocalConfig,
  ) {
    checkArguments('LocalBase', { runtime, config }, { runtime: anyRuntime, config: onlyFields(localRules) });
    super(runtime);
    const { channels, classes, width, dropout = 0 } = config;
    this.#features = this.child('features', familyConv(runtime, channels, width, 1));
    this.#scores = this.child('scores', familyConv(runtime, width, classes, 1, {}));
    this.#attention = this.child('attention', familyConv(runtime, width, 1, 1, {}));
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
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
    checkSnippets('LocalBase.forward', 'snippets', snippets, this.channels);
    return this.runtime.scope(() => {
      const seen = this.#dropout.forward(transpose(snippets, 1, 2));
      const features = this.#dropout.forward(this.#features.forward(seen));
      return {
        cas: transpose(this.#scores.forward(features), 1, 2),
        attention: withoutChannel(sigmoid(this.#attention.forward(features))),
        modalAttentions: [],
        features: transpose(features, 1, 2),
        actionness: [],
        reconstructions: [],
      };
    });
  }

  classify(features: Tensor): Tensor {
    checkSnippets('LocalBase.classify', 'features', features, this.width);
    return this.runtime.scope(() => transpose(this.#scores.forward(transpose(features, 1, 2)), 1, 2));
  }
}
