import {
  callback,
  either,
  flag,
  integer,
  listOf,
  object,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  rule,
  text,
} from '../../../arguments.js';
import type { Initial } from '../../../nn/initial.js';
import type { LoraOptions } from '../../../nn/lora.js';
import { type WeightStorage, weightStorages } from '../../../nn/weight-storage.js';
import type { AttentionMask } from '../../../ops/attention/attention-problem.js';
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

const queryOffset = optional(integer(0));

const maskRules: { readonly [Kind in AttentionMask['kind']]: Rule<object> } = {
  none: onlyFields({ kind: oneOf('none') }),
  causal: onlyFields({ kind: oneOf('causal'), queryOffset }),
  prefix: onlyFields({ kind: oneOf('prefix'), prefixLength: either(integer(0), anyTensor), queryOffset }),
  block: onlyFields({ kind: oneOf('block'), blockSize: integer(1), queryOffset }),
  turns: onlyFields({ kind: oneOf('turns'), turns: anyTensor, queryOffset }),
};

const maskKind = oneOf('none', 'causal', 'prefix', 'block', 'turns');

/** Which fields a mask has depends on its kind. */
function maskOf(value: unknown): Rule<object> {
  const kind = object.accepts(value) ? value.kind : undefined;
  return maskKind.accepts(kind) ? maskRules[kind] : objectWith({ kind: maskKind });
}

const maskRule: Rule<AttentionMask> = {
  ...rule<AttentionMask>('an object with the kind of a mask', (value) => maskOf(value).accepts(value)),
  fault: (name, value) => maskOf(value).fault?.(name, value),
};

const othersRule: Rule<OtherPositions> = objectWith<OtherPositions>(
  { start: integer(0), all: callback },
  'the positions of a KeyValueCache',
);

export const forwardRules: Rules<ForwardOptions> = {
  positions: optional(anyTensor),
  keyMask: optional(anyTensor),
  mask: optional(maskRule),
  others: optional(othersRule),
  consume: optional(flag),
};
