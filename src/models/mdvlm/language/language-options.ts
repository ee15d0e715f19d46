import {
  callback,
  flag,
  integer,
  listOf,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  text,
} from '../../../arguments.js';
import type { Initial } from '../../../nn/initial.js';
import type { LoraOptions } from '../../../nn/lora.js';
import { type WeightStorage, weightStorages } from '../../../nn/weight-storage.js';
import { type AttentionMask, attentionMaskRule } from '../../../ops/attention/attention-mask.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import type { OtherPositions } from './key-value-cache.js';

export interface LanguageModelOptions {
  /**
   * How matrices are stored; f16 where the device has it. Default f32. With int8 and int4 those of the linear layers
   * are quantised. The embedding and the vocabulary matrix are not, for few rows of the one are read and the fused last
   * layer takes the other as numbers: they and the products are f16 where the device has it, else f32.
   */
  readonly weights?: WeightStorage;
  /** Positions of the longest sequence; default those of the configuration. */
  readonly maxLength?: number;
  /** What embeddings are before training; default normal numbers of the deviation of LLaDA's. */
  readonly initialEmbedding?: Initial;
  /** Low-rank additions to linear layers, which are then the model's `lora`; default none. */
  readonly lora?: LoraOptions;
  /**
   * For training: of the forward pass only what goes from layer to layer is kept, and each layer is computed again when
   * its gradient is (gradient checkpointing). Default false.
   */
  readonly recompute?: boolean;
}

export const languageModelRules: Rules<LanguageModelOptions> = {
  weights: optional(oneOf(...weightStorages)),
  maxLength: optional(integer(1)),
  initialEmbedding: optional(callback),
  lora: optional(onlyFields<LoraOptions>({ rank: integer(1), alpha: positive, targets: listOf(text) })),
  recompute: optional(flag),
};

export interface ForwardOptions {
  /** u32 (B, L) or (L): default 0 to L - 1, or from where these begin among the others. */
  readonly positions?: Tensor;
  /** u32 (B, L), with other positions as long as all: positions where it is 0 are seen by none, such as padding on the left. */
  readonly keyMask?: Tensor;
  /** Default: every position sees all others. Its `queryOffset` is where these positions begin. */
  readonly mask?: AttentionMask;
  /** Positions that are seen beside these. They count in `keyMask`. */
  readonly others?: OtherPositions;
  /** Free the embeddings as soon as the first layer has read them. Default false: they are the caller's. */
  readonly consume?: boolean;
}

const othersRule: Rule<OtherPositions> = objectWith<OtherPositions>(
  { start: integer(0), all: callback },
  'the positions of a KeyValueCache',
);

export const forwardRules: Rules<ForwardOptions> = {
  positions: optional(anyTensor),
  keyMask: optional(anyTensor),
  mask: optional(attentionMaskRule),
  others: optional(othersRule),
  consume: optional(flag),
};
