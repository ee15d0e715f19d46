import { checkArguments, integer, onlyFields, optional, type Rule } from '../../../arguments.js';
import { dropRate } from '../../../nn/dropout.js';
import { Module } from '../../../nn/module.js';
import { add } from '../../../ops/array/binary.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { Reconstruction } from '../base.js';
import { evenChannels } from '../bases/co2net.js';
import { FilterAttention } from '../bases/filter-attention.js';
import { checkSnippets, modalities, withoutChannel } from '../bases/snippets.js';

export interface MaskGeneratorConfig {
  /** Channels of the convolutions that the attention comes from; published: 512. */
  readonly width: number;
  /** Channels of the code of the auto-encoders; published: 512. */
  readonly code: number;
  /** Share that training drops; default .5. */
  readonly dropout?: number;
}

export const maskGeneratorRule: Rule<MaskGeneratorConfig> = onlyFields<MaskGeneratorConfig>({
  width: integer(1),
  code: integer(1),
  dropout: optional(dropRate),
});

export interface GeneratedMask {
  /** (B, T), from 0 to 1. */
  readonly attention: Tensor;
  /** Each modality, and what its auto-encoder made of it. */
  readonly reconstructions: readonly Reconstruction[];
}

/** An attention of its own for the reconstruction: the cross-modal attention of Boosting-WTAL, with its auto-encoders. */
export class MaskGenerator extends Module {
  readonly #attentions: readonly [FilterAttention, FilterAttention];

  /** @param channels of the snippets, even: the first half is one modality. @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: MaskGeneratorConfig,
    readonly channels: number,
  ) {
    checkArguments(
      'MaskGenerator',
      { runtime, config, channels },
      { runtime: anyRuntime, config: maskGeneratorRule, channels: evenChannels },
    );
    super(runtime);
    const { width, code, dropout = 0.5 } = config;
    const sizes = { channels: channels / 2, width, dropout, code };
    this.#attentions = [
      this.child('vAttn', new FilterAttention(runtime, sizes)),
      this.child('fAttn', new FilterAttention(runtime, sizes)),
    ];
  }

  /** Snippets (B, T, channels) to their attention. @throws ShapeError */
  forward(snippets: Tensor): GeneratedMask {
    checkSnippets('MaskGenerator.forward', 'snippets', snippets, this.channels);
    return this.runtime.scope(() => {
      const [rgb, flow] = modalities(snippets);
      const [v, f] = this.#attentions;
      const [ofRgb, ofFlow] = [v.forward(rgb, flow), f.forward(flow, rgb)];
      return {
        attention: withoutChannel(scaleShift(add(ofRgb.attention, ofFlow.attention), 0.5, 0)),
        // Each attention rebuilds the modality that it filters by.
        reconstructions: [
          { modality: flow, rebuilt: ofRgb.rebuilt! },
          { modality: rgb, rebuilt: ofFlow.rebuilt! },
        ],
      };
    });
  }
}
