import {
  checkArgument,
  epsilon,
  flag,
  integer,
  onlyFields,
  positive,
  type Rule,
  type Rules,
  text,
  uint32,
} from '../../../arguments.js';
import { JsonRecord } from '../../../data/formats/json-record.js';
import { ropeTheta } from './rope-config.js';

/** The sizes of a language model of LLaDA's kind: a Llama whose attention sees both ways. */
export interface LanguageConfig {
  /** D: numbers of a position. */
  readonly hidden: number;
  readonly layers: number;
  /** Heads of the queries. */
  readonly heads: number;
  /** Heads of keys and values, a divisor of `heads`; each serves as many neighbouring heads of the queries. */
  readonly keyHeads: number;
  readonly headSize: number;
  /** Width of the feed-forward networks. */
  readonly intermediate: number;
  /** V: rows of the embedding. */
  readonly vocabulary: number;
  /** θ of the rotary position embedding. */
  readonly ropeTheta: number;
  /** Of the RMSNorms. */
  readonly epsilon: number;
  /** Positions that it is meant for. */
  readonly maxPositions: number;
  /** Id of the token that stands for "not decoded yet". */
  readonly maskId: number;
  /** Whether the embedding is the vocabulary matrix of the last layer too. */
  readonly tied: boolean;
}

/** What the language model of every configuration has; a model of signals takes the rest from its words. */
export const speakerRules: Rules<Omit<LanguageConfig, 'vocabulary' | 'maskId' | 'maxPositions'>> = {
  hidden: integer(1),
  layers: integer(1),
  heads: integer(1),
  keyHeads: integer(1),
  headSize: integer(1),
  intermediate: integer(1),
  ropeTheta: positive,
  epsilon,
  tied: flag,
};

export const languageRule: Rule<LanguageConfig> = onlyFields<LanguageConfig>({
  ...speakerRules,
  vocabulary: integer(1),
  maskId: uint32,
  maxPositions: integer(1),
});

/** `<|mdm_mask|>` of LLaDA and LLaDA-V: the mask where a configuration names none. */
const lladaMaskId = 126_336;

/** Configurations by name. */
export const languageConfigs = {
  /** LLaDA-8B-Base and -Instruct (Nie et al., arXiv:2502.09992). */
  'llada-8b': {
    hidden: 4096,
    layers: 32,
    heads: 32,
    keyHeads: 32,
    headSize: 128,
    intermediate: 12_288,
    vocabulary: 126_464,
    ropeTheta: 500_000,
    epsilon: 1e-5,
    maxPositions: 4096,
    maskId: lladaMaskId,
    tied: false,
  },
  /** Small enough to be trained on two cores (ours). */
  tiny: {
    hidden: 96,
    layers: 3,
    heads: 3,
    keyHeads: 3,
    headSize: 32,
    intermediate: 256,
    vocabulary: 512,
    ropeTheta: 10_000,
    epsilon: 1e-5,
    maxPositions: 512,
    maskId: 511,
    tied: true,
  },
} as const satisfies Record<string, LanguageConfig>;

export type LanguageName = keyof typeof languageConfigs;

/** Keys of a language model that may stand beside its `text_config`. */
const keysBeside = ['mask_token_id', 'tie_word_embeddings'] as const;

/**
 * A `config.json` of a checkpoint, in LLaDA's key names (`d_model`, …) or in Llama's and LLaDA-V's (`hidden_size`, …), as
 * transformers writes it before version 5 and since (`rope_parameters`). The language model of a larger one may be
 * described in `text_config`.
 * @param where what messages call it: its path
 * @throws FileFormatError that names the key where one is missing, of a wrong kind, does not fit the others, or asks for
 *   what the network does not have
 */
export function parseLanguageConfig(json: unknown, where = 'config.json'): LanguageConfig {
  checkArgument('parseLanguageConfig', 'where', where, text);
  const whole = new JsonRecord(json, where);
  const record = textRecord(whole) ?? whole;
  if (record.has('d_model')) return checked(record, lladaSizes(record));
  if (record.has('hidden_size')) return checked(record, llamaSizes(record));
  throw record.error(
    'neither d_model (LLaDA) nor hidden_size (Llama) is given: this is not a language model of either form',
  );
}

/** `text_config` with what it leaves to the keys beside it; undefined where it has no sizes of a language model. */
function textRecord(whole: JsonRecord): JsonRecord | undefined {
  if (whole.absent('text_config')) return undefined;
  const text = whole.record('text_config');
  if (!text.has('d_model') && !text.has('hidden_size')) return undefined;
  const beside = keysBeside.filter((key) => text.absent(key) && !whole.absent(key));
  const fields = [
    ...text.names.map((name) => [name, text.value(name)]),
    ...beside.map((key) => [key, whole.value(key)]),
  ];
  return new JsonRecord(Object.fromEntries(fields), text.where);
}

type Sizes = Omit<LanguageConfig, 'maskId' | 'headSize'> & { readonly headSize: number | undefined };

function lladaSizes(record: JsonRecord): Sizes {
  refuseOthers(record, {
    block_type: ['llama'],
    activation_type: ['silu'],
    layer_norm_type: ['rms'],
    rope: [true],
    alibi: [false],
    include_bias: [false],
    include_qkv_bias: [false],
    bias_for_layer_norm: [false],
    attention_layer_norm: [false],
    input_emb_norm: [false],
    scale_logits: [false],
    clip_qkv: [],
  });
  const hidden = record.integer('d_model', 1);
  const heads = record.integer('n_heads', 1);
  const vocabulary = optional(record, 'embedding_size') ?? record.integer('vocab_size', 1);
  return {
    hidden,
    layers: record.integer('n_layers', 1),
    heads,
    keyHeads: optional(record, 'n_kv_heads') ?? (record.value('multi_query_attention') === true ? 1 : heads),
    headSize: undefined,
    intermediate: optional(record, 'mlp_hidden_size') ?? record.integer('mlp_ratio', 1) * hidden,
    vocabulary,
    ropeTheta: ropeTheta(record),
    epsilon: record.positive('rms_norm_eps'),
    maxPositions: record.integer('max_sequence_length', 1),
    tied: boolean(record, 'weight_tying'),
  };
}

function llamaSizes(record: JsonRecord): Sizes {
  refuseOthers(record, {
    hidden_act: ['silu'],
    attention_bias: [false],
    mlp_bias: [false],
  });
  const layerTypes = record.absent('layer_types') ? [] : record.texts('layer_types');
  if (layerTypes.some((type) => type !== 'full_attention')) throw unsupported(record, 'layer_types');
  const heads = record.integer('num_attention_heads', 1);
  return {
    hidden: record.integer('hidden_size', 1),
    layers: record.integer('num_hidden_layers', 1),
    heads,
    keyHeads: optional(record, 'num_key_value_heads') ?? heads,
    headSize: optional(record, 'head_dim'),
    intermediate: record.integer('intermediate_size', 1),
    vocabulary: record.integer('vocab_size', 1),
    ropeTheta: ropeTheta(record),
    epsilon: record.positive('rms_norm_eps'),
    maxPositions: record.integer('max_position_embeddings', 1),
    tied: boolean(record, 'tie_word_embeddings'),
  };
}

/** Whether the sizes fit together, in the key names of the record. */
function checked(record: JsonRecord, sizes: Sizes): LanguageConfig {
  const { hidden, heads, keyHeads, vocabulary } = sizes;
  const llada = record.has('d_model');
  const [hiddenKey, headsKey, keyHeadsKey] = llada
    ? ['d_model', 'n_heads', 'n_kv_heads']
    : ['hidden_size', 'num_attention_heads', 'num_key_value_heads'];
  if (sizes.headSize === undefined && hidden % heads !== 0) {
    throw record.error(`${headsKey} ${heads} does not divide ${hiddenKey} ${hidden}`);
  }
  const headSize = sizes.headSize ?? hidden / heads;
  if (headSize % 2 !== 0) {
    throw record.error(`heads of ${headSize} are odd, and a rotary embedding turns pairs: see ${headsKey}`);
  }
  if (heads % keyHeads !== 0) {
    throw record.error(`${keyHeadsKey} ${keyHeads} does not divide ${headsKey} ${heads}`);
  }
  const maskId = record.absent('mask_token_id') ? lladaMaskId : record.integer('mask_token_id', 0);
  if (maskId >= vocabulary) {
    const whose = record.absent('mask_token_id') ? ' is missing, and that of LLaDA,' : '';
    throw record.error(`mask_token_id${whose} ${maskId} is no id of a vocabulary of ${vocabulary}`);
  }
  return { ...sizes, headSize, maskId };
}

/** Refuses keys with a value that is none of these; null, and a missing key, ask for nothing. */
function refuseOthers(record: JsonRecord, known: Readonly<Record<string, readonly unknown[]>>): void {
  for (const [key, values] of Object.entries(known)) {
    if (!record.absent(key) && !values.includes(record.value(key))) throw unsupported(record, key);
  }
}

const unsupported = (record: JsonRecord, key: string) =>
  record.error(`${key} is ${JSON.stringify(record.value(key))}, which this network does not have`);

/** A whole number of at least 1; undefined where the key is absent or null. */
function optional(record: JsonRecord, key: string): number | undefined {
  return record.absent(key) ? undefined : record.integer(key, 1);
}

/** False where the key is absent. */
function boolean(record: JsonRecord, key: string): boolean {
  const value = record.value(key) ?? false;
  if (typeof value !== 'boolean') throw record.error(`${key} is ${JSON.stringify(value)}, not true or false`);
  return value;
}
