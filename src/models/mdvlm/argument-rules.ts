import {
  callback,
  either,
  flag,
  integer,
  listOf,
  numberIn,
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
} from '../../arguments.js';
import type { LastLayer } from '../../diffusion/masked.js';
import type { LoraOptions } from '../../nn/lora.js';
import { weightStorages } from '../../nn/weight-storage.js';
import type { AttentionMask } from '../../ops/attention/attention-problem.js';
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
