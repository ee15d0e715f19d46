import {
  callback,
  flag,
  integer,
  listOf,
  numberIn,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  text,
} from '../../arguments.js';
import type { LastLayer } from '../../diffusion/masked.js';
import { attentionMaskRule } from '../../nn/attention-mask-rule.js';
import type { LoraOptions } from '../../nn/lora.js';
import { weightStorages } from '../../nn/weight-storage.js';
import { anyTensor } from '../../tensor/tensor.js';
import type { KeysAndValues, OtherPositions } from './language/key-value-cache.js';
import type { ForwardOptions, LanguageModelOptions } from './language/language-model.js';
import type { PromptTokens } from './mdvlm.js';

export const tokenId: Rule<number> = integer(0, 2 ** 32 - 1);

/** A number from 0 to 1. */
export const shareRule: Rule<number> = numberIn(0, 1);

export const languageModelRules: Rules<LanguageModelOptions> = {
  weights: optional(oneOf(...weightStorages)),
  maxLength: optional(integer(1)),
  initialEmbedding: optional(callback),
  lora: optional(onlyFields<LoraOptions>({ rank: integer(1), alpha: positive, targets: listOf(text) })),
  recompute: optional(flag),
};

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

export const lastLayerRule: Rule<LastLayer> = objectWith<LastLayer>({ hidden: anyTensor, weight: anyTensor });

export const keysAndValuesRule: Rule<KeysAndValues> = objectWith<KeysAndValues>({
  key: anyTensor,
  value: anyTensor,
});

export const promptTokensRule: Rule<PromptTokens> = objectWith<PromptTokens>({
  ids: anyTensor,
  visualAt: integer(0),
  keyMask: optional(anyTensor),
});
