import { integer, onlyFields, type Rule, rule } from '../../../arguments.js';
import { dropRate } from '../../../nn/dropout.js';

/** Sizes of DiffAct's decoder. */
export interface MaskDecoderConfig {
  /** Channels of the layers. */
  readonly maps: number;
  /** Layer i has dilation 2^i. */
  readonly layers: number;
  /** Taps of the convolution and of the attention of each layer; odd, at most 31. */
  readonly kernel: number;
  /** Columns of the sinusoidal embedding of the time; at least 4. */
  readonly timeEmbedding: number;
  /** Share of the layers' inputs that training drops. */
  readonly dropout: number;
}

const kernelRule: Rule<number> = rule(
  'an odd integer from 1 to 31',
  (value) => integer(1, 31).accepts(value) && value % 2 === 1,
);

export const decoderRule: Rule<MaskDecoderConfig> = onlyFields<MaskDecoderConfig>({
  maps: integer(1),
  layers: integer(1, 16),
  kernel: kernelRule,
  timeEmbedding: integer(4),
  dropout: dropRate,
});

/** As the sibling of ActionDiff has it. */
export const familyDecoder: MaskDecoderConfig = {
  maps: 100,
  layers: 1,
  kernel: 3,
  timeEmbedding: 100,
  dropout: 0.1,
};

/** As DiffAct has it, with maps of ours between its 24 and 128. */
export const diffActDecoder: MaskDecoderConfig = {
  maps: 64,
  layers: 8,
  kernel: 5,
  timeEmbedding: 512,
  dropout: 0.1,
};
