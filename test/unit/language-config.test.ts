import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FileFormatError } from '../../src/errors.js';
import { languageConfigs, parseLanguageConfig } from '../../src/models/mdvlm/language/language-config.js';
import { languageTensorName } from '../../src/models/mdvlm/language/tensor-names.js';

const llada = {
  model_type: 'llada',
  block_type: 'llama',
  activation_type: 'silu',
  layer_norm_type: 'rms',
  d_model: 4096,
  n_layers: 32,
  n_heads: 32,
  n_kv_heads: 32,
  mlp_hidden_size: 12288,
  mlp_ratio: 4,
  vocab_size: 126464,
  embedding_size: 126464,
  rope: true,
  alibi: false,
  rope_theta: 500000,
  rms_norm_eps: 1e-5,
  max_sequence_length: 4096,
  weight_tying: false,
  include_bias: false,
  include_qkv_bias: false,
  mask_token_id: 126336,
};

const llama = {
  model_type: 'llava_llada',
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  intermediate_size: 12288,
  vocab_size: 126464,
  rope_theta: 500000,
  rope_scaling: null,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 4096,
  tie_word_embeddings: false,
  attention_bias: false,
  hidden_act: 'silu',
};

const without = (config: object, ...keys: string[]) =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));

describe('the configuration of a language model', () => {
  it('is read in the key names of LLaDA and of Llama', () => {
    assert.deepEqual(parseLanguageConfig(llada), languageConfigs['llada-8b']);
    assert.deepEqual(parseLanguageConfig(llama), languageConfigs['llada-8b']);
  });

  it('has the defaults of both', () => {
    const sparse = {
      ...without(llada, 'mask_token_id', 'weight_tying', 'block_type', 'alibi'),
      ...{ n_kv_heads: null, mlp_hidden_size: null, embedding_size: null, mlp_ratio: 3 },
    };
    assert.deepEqual(parseLanguageConfig(sparse), languageConfigs['llada-8b']);
    assert.equal(parseLanguageConfig({ ...sparse, multi_query_attention: true }).keyHeads, 1);
    assert.equal(parseLanguageConfig({ ...llada, embedding_size: 126592 }).vocabulary, 126592);
    const short = without(llama, 'num_key_value_heads', 'tie_word_embeddings', 'hidden_act');
    assert.deepEqual(parseLanguageConfig(short), languageConfigs['llada-8b']);
    const scaled = { ...llama, rope_scaling: { rope_type: 'default' }, tie_word_embeddings: true };
    assert.equal(parseLanguageConfig(scaled).tied, true);
    assert.equal(parseLanguageConfig({ ...llama, head_dim: 64 }).headSize, 64);
  });

  it('is read as version 5 of transformers writes it', () => {
    const v5 = {
      ...without(llama, 'rope_theta', 'rope_scaling', 'torch_dtype'),
      dtype: 'bfloat16',
      rope_parameters: { rope_theta: 500000, rope_type: 'default' },
    };
    const rope = v5.rope_parameters;
    const whole = languageConfigs['llada-8b'];
    const same: unknown[] = [
      v5,
      { ...v5, rope_theta: null, rope_scaling: null },
      { ...v5, rope_theta: 500000, rope_parameters: { rope_type: 'default' } },
      { ...v5, rope_parameters: { rope_theta: 500000, partial_rotary_factor: 1, mrope_section: null } },
      { ...v5, rope_parameters: { full_attention: rope }, layer_types: Array(32).fill('full_attention') },
      { ...v5, rope_parameters: { full_attention: rope, sliding_attention: rope } },
      {
        ...v5,
        rope_parameters: { full_attention: rope, sliding_attention: { rope_theta: 1e4, rope_type: 'yarn' } },
        layer_types: ['full_attention'],
      },
      { ...without(llada, 'rope_theta'), rope_parameters: rope },
      { model_type: 'llava', hidden_size: 1, text_config: v5, vision_config: {} },
      { text_config: { ...v5, vocab_size: 126464 }, mask_token_id: 126336, tie_word_embeddings: false },
      { ...v5, text_config: null },
      { ...v5, text_config: {} },
    ];
    for (const config of same) assert.deepEqual(parseLanguageConfig(config), whole);
    const beside = {
      text_config: { ...v5, mask_token_id: null },
      mask_token_id: 7,
      tie_word_embeddings: true,
    };
    const { maskId, tied } = parseLanguageConfig(beside);
    assert.equal(maskId, 7);
    // Its own says false.
    assert.equal(tied, false);
  });

  for (const type of ['linear', 'dynamic', 'yarn', 'longrope', 'llama3', 'proportional']) {
    it(`refuses scaled positions by name: ${type}`, () => {
      const scaled = { rope_type: type, rope_theta: 500000, factor: 4 };
      const bare = without(llama, 'rope_theta', 'rope_scaling');
      const configs: [config: object, key: string][] = [
        [{ ...bare, rope_parameters: scaled }, 'rope_parameters'],
        [{ ...bare, rope_parameters: { full_attention: scaled } }, 'rope_parameters'],
        [{ ...llama, rope_scaling: scaled }, 'rope_scaling'],
        [{ ...llada, rope_scaling: { type, factor: 4 } }, 'rope_scaling'],
        [{ text_config: { ...bare, rope_parameters: scaled } }, 'text_config: rope_parameters'],
      ];
      for (const [config, key] of configs) {
        assert.throws(
          () => parseLanguageConfig(config),
          (error: Error) =>
            error instanceof FileFormatError &&
            error.message.startsWith(`config.json: ${key} is `) &&
            error.message.endsWith(`rope_type "${type}" is not supported`),
        );
      }
    });
  }

  const refused: [what: string, config: unknown, message: RegExp][] = [
    ['positions without theta', { ...llama, rope_theta: null }, /rope_theta is null/],
    [
      'two values of theta',
      { ...llama, rope_parameters: { rope_theta: 10000 } },
      /rope_theta has several values: 500000, 10000/,
    ],
    ['partly turned heads', { ...llama, partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0\.5/],
    [
      'partly turned heads in the form of version 5',
      { ...llama, rope_parameters: { partial_rotary_factor: 0.25 } },
      /partial_rotary_factor is 0\.25/,
    ],
    ['positions with axes', { ...llama, rope_scaling: { mrope_section: [16, 24] } }, /mrope_section/],
    ['sliding windows', { ...llama, layer_types: ['sliding_attention'] }, /layer_types is \["sliding/],
    [
      'parameters that are no object',
      { ...llama, rope_parameters: 'yarn' },
      /rope_parameters is "yarn", not an object/,
    ],
    ['what is no object', [llama], /config\.json: .* is not an object/],
    ['another model', { vocab_size: 5 }, /d_model .* hidden_size/],
    ['a missing key', without(llada, 'n_layers'), /n_layers is missing/],
    ['a missing key of Llama', without(llama, 'rms_norm_eps'), /rms_norm_eps is missing/],
    ['a text for a number', { ...llama, hidden_size: '4096' }, /hidden_size is "4096", not an integer/],
    ['a broken number', { ...llada, n_heads: 3.5 }, /n_heads is 3\.5, not an integer/],
    ['no layers', { ...llama, num_hidden_layers: 0 }, /num_hidden_layers is 0/],
    ['a theta of 0', { ...llama, rope_theta: 0 }, /rope_theta is 0: it must be above 0/],
    ['a number for a flag', { ...llada, weight_tying: 1 }, /weight_tying is 1, not true or false/],
    [
      'heads that do not divide',
      { ...llada, n_heads: 33, n_kv_heads: 33 },
      /n_heads 33 does not divide d_model/,
    ],
    ['key heads that do not divide', { ...llama, num_key_value_heads: 5 }, /num_key_value_heads 5 does not/],
    ['odd heads', { ...llama, head_dim: 127 }, /heads of 127 are odd/],
    ['a mask outside of the vocabulary', { ...llada, mask_token_id: 126464 }, /mask_token_id 126464/],
    ['no mask in a small vocabulary', { ...llama, vocab_size: 1000 }, /mask_token_id is missing.*126336/],
    ['biases', { ...llada, include_bias: true }, /include_bias is true, which/],
    ['biases of attention', { ...llama, attention_bias: true }, /attention_bias is true/],
    ['another activation', { ...llama, hidden_act: 'gelu' }, /hidden_act is "gelu"/],
    ['another norm', { ...llada, layer_norm_type: 'low_precision' }, /layer_norm_type is "low_precision"/],
    [
      'scaled positions',
      { ...llama, rope_scaling: { type: 'linear', factor: 2 } },
      /rope_scaling is .*linear/,
    ],
    ['clipped attention', { ...llada, clip_qkv: 8 }, /clip_qkv is 8/],
  ];
  for (const [what, config, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseLanguageConfig(config),
        (error) => {
          assert.ok(error instanceof FileFormatError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

describe('the names of a language model’s tensors', () => {
  const pairs: [stored: string, name: string | undefined][] = [
    ['model.transformer.wte.weight', 'model.embed_tokens.weight'],
    ['model.transformer.ln_f.weight', 'model.norm.weight'],
    ['model.transformer.ff_out.weight', 'lm_head.weight'],
    ['model.transformer.blocks.31.ff_out.weight', 'model.layers.31.mlp.down_proj.weight'],
    ['model.transformer.blocks.0.attn_out.weight', 'model.layers.0.self_attn.o_proj.weight'],
    ['base_model.model.model.transformer.blocks.7.ff_proj.weight', 'model.layers.7.mlp.gate_proj.weight'],
    ['base_model.model.model.layers.3.mlp.up_proj.weight', 'model.layers.3.mlp.up_proj.weight'],
    ['model.layers.3.mlp.up_proj.weight', 'model.layers.3.mlp.up_proj.weight'],
    ['lm_head.weight', 'lm_head.weight'],
    ['model.language_model.layers.3.mlp.up_proj.weight', 'model.layers.3.mlp.up_proj.weight'],
    ['language_model.model.embed_tokens.weight', 'model.embed_tokens.weight'],
    ['language_model.lm_head.weight', 'lm_head.weight'],
    ['model.multi_modal_projector.linear_1.weight', undefined],
    ['vision_tower.vision_model.post_layernorm.bias', undefined],
    ['model.transformer.blocks.0.bias.weight', 'model.transformer.blocks.0.bias.weight'],
    ['model.image_newline', undefined],
    ['model.mm_projector.0.weight', undefined],
    ['model.vision_tower.vision_tower.vision_model.post_layernorm.bias', undefined],
  ];
  for (const [stored, name] of pairs) {
    it(`${stored} is ${name ?? 'left out'}`, () => assert.equal(languageTensorName(stored), name));
  }
});
