import { JsonRecord } from '../../data/json-record.js';

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

/**
 * A `config.json` of a checkpoint, in LLaDA's key names (`d_model`, …) or in Llama's and LLaDA-V's (`hidden_size`, …).
 * @param where what messages call it: its path
 * @throws FileFormatError that names the key where one is missing, of a wrong kind, does not fit the others, or asks for
 *   what the network does not have
 */
export function parseLanguageConfig(json: unknown, where = 'config.json'): LanguageConfig {
  const record = new JsonRecord(json, where);
  if (record.has('d_model')) return checked(record, lladaSizes(record));
  if (record.has('hidden_size')) return checked(record, llamaSizes(record));
  throw record.error(
    'neither d_model (LLaDA) nor hidden_size (Llama) is there: it is no such language model',
  );
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
    ropeTheta: positive(record, 'rope_theta'),
    epsilon: positive(record, 'rms_norm_eps'),
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
  const scaling = record.value('rope_scaling');
  if (scaling !== undefined && scaling !== null) {
    const { rope_type: kind, type = kind } = scaling as Record<string, unknown>;
    if (type !== 'default') throw unsupported(record, 'rope_scaling');
  }
  const heads = record.integer('num_attention_heads', 1);
  return {
    hidden: record.integer('hidden_size', 1),
    layers: record.integer('num_hidden_layers', 1),
    heads,
    keyHeads: optional(record, 'num_key_value_heads') ?? heads,
    headSize: optional(record, 'head_dim'),
    intermediate: record.integer('intermediate_size', 1),
    vocabulary: record.integer('vocab_size', 1),
    ropeTheta: positive(record, 'rope_theta'),
    epsilon: positive(record, 'rms_norm_eps'),
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
  const maskId = record.has('mask_token_id') ? record.integer('mask_token_id', 0) : lladaMaskId;
  if (maskId >= vocabulary) {
    const whose = record.has('mask_token_id') ? '' : ' is missing, and that of LLaDA,';
    throw record.error(`mask_token_id${whose} ${maskId} is no id of a vocabulary of ${vocabulary}`);
  }
  return { ...sizes, headSize, maskId };
}

/** Refuses keys with a value that is none of these; null, and a key that is not there, ask for nothing. */
function refuseOthers(record: JsonRecord, known: Readonly<Record<string, readonly unknown[]>>): void {
  for (const [key, values] of Object.entries(known)) {
    const value = record.value(key) ?? undefined;
    if (value !== undefined && !values.includes(value)) throw unsupported(record, key);
  }
}

const unsupported = (record: JsonRecord, key: string) =>
  record.error(`${key} is ${JSON.stringify(record.value(key))}, which this network does not have`);

/** A whole number of at least 1; undefined where the key is absent or null. */
function optional(record: JsonRecord, key: string): number | undefined {
  return (record.value(key) ?? undefined) === undefined ? undefined : record.integer(key, 1);
}

function positive(record: JsonRecord, key: string): number {
  const value = record.number(key, 0);
  if (value === 0) throw record.error(`${key} must be above 0`);
  return value;
}

/** False where the key is absent. */
function boolean(record: JsonRecord, key: string): boolean {
  const value = record.value(key) ?? false;
  if (typeof value !== 'boolean') throw record.error(`${key} is ${JSON.stringify(value)}, not true or false`);
  return value;
}
