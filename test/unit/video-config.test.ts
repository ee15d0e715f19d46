import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FileFormatError, OptionError } from '../../src/errors.js';
import {
  checkVideoMdvlmConfig,
  type VideoMdvlmConfig,
  videoMdvlmConfigs,
} from '../../src/models/mdvlm/video/video-config.js';
import { parseVideoMdvlmConfig } from '../../src/models/mdvlm/video/video-config-file.js';
import { tokensPerFrame } from '../../src/models/mdvlm/vision/vision-config.js';
import { configFile, visualConfigFile } from '../support/language-checkpoint.js';

const { tiny } = videoMdvlmConfigs;
const whole = videoMdvlmConfigs['llada-v-8b'];

describe('the configuration of a model of videos', () => {
  it('by name fits together; that of LLaDA-V has 6,720 visual tokens', () => {
    for (const config of Object.values(videoMdvlmConfigs))
      assert.equal(checkVideoMdvlmConfig(config), config);
    assert.equal(whole.frames * tokensPerFrame(whole.visual), 6720);
    assert.deepEqual(whole.times, { count: 100, firstId: 126_084 });
  });

  it('is refused by the name of the field', () => {
    const refused = (change: Partial<VideoMdvlmConfig>, message: RegExp) =>
      assert.throws(
        () => checkVideoMdvlmConfig({ ...tiny, ...change }),
        (error: Error) => error instanceof OptionError && message.test(error.message),
      );
    refused(
      { visual: { ...tiny.visual, projector: { hidden: 48 } } },
      /projector\.hidden must be .* 96, not 48/,
    );
    refused({ times: { count: 100, firstId: 420 } }, /times must be ids .* 512 .* not 420 to 519/);
    refused({ language: { ...tiny.language, maskId: 420 } }, /times must .* without the mask 420/);
    for (const frames of [0, 1.5, '4' as never]) refused({ frames }, /frames must be an integer/);
    refused({ frames: 171 }, /frames must leave positions for words: 171 frames take 2052 of 2048/);
    refused({ visual: { ...tiny.visual, pooling: { stride: 0 } } }, /pooling\.stride/);
  });

  const llama = configFile(whole.language, 'llama');
  const released = {
    ...llama,
    mm_vision_tower: 'model/siglip2-so400m-patch14-384',
    mm_projector_type: 'mlp2x_gelu',
    mm_spatial_pool_stride: null,
    mm_spatial_pool_mode: 'bilinear',
    mm_newline_position: 'grid',
  };
  const { vision_config, ...encoder } = visualConfigFile(tiny.visual);
  const small = {
    ...configFile(tiny.language, 'llada'),
    ...encoder,
    vision_config,
    tal: { frames: 4, time_tokens: { count: 100, first_id: 410 } },
  };

  it('is read from a file, in the names of LLaDA-V and in those of LLaDA', () => {
    assert.deepEqual(parseVideoMdvlmConfig(released), whole);
    assert.deepEqual(parseVideoMdvlmConfig(small), tiny);
    assert.equal(parseVideoMdvlmConfig({ ...released, tal: { frames: 8 } }).frames, 8);
    // SigLIP's own default.
    const { layer_norm_eps: _, ...sizes } = vision_config as Record<string, unknown>;
    assert.deepEqual(parseVideoMdvlmConfig({ ...small, vision_config: sizes }), tiny);
  });

  it('is read from the nested form of version 5 of transformers', () => {
    const { mm_vision_tower: _, ...pooling } = encoder;
    const { rope_theta, ...text } = configFile(tiny.language, 'llama');
    const nested = {
      ...pooling,
      dtype: 'float32',
      tal: small.tal,
      text_config: { ...text, rope_parameters: { rope_theta, rope_type: 'default' } },
      vision_config: { ...(vision_config as object), hidden_act: 'gelu_pytorch_tanh' },
      projector_hidden_act: 'gelu',
      vision_feature_layer: -2,
    };
    assert.deepEqual(parseVideoMdvlmConfig(nested), tiny);
    // The configuration of a whole SigLIP, whose text tower is of no use here.
    assert.deepEqual(
      parseVideoMdvlmConfig({ ...nested, vision_config: { text_config: {}, vision_config } }),
      tiny,
    );
    assert.deepEqual(parseVideoMdvlmConfig({ ...released, vision_config: null }), whole);
  });

  const refused: [what: string, config: unknown, message: RegExp][] = [
    [
      'the last layer of the tower',
      { ...small, vision_feature_layer: -1 },
      /vision_feature_layer is -1.* -2/,
    ],
    [
      'another activation of the tower',
      { ...small, vision_config: { ...(vision_config as object), hidden_act: 'quick_gelu' } },
      /vision_config: hidden_act is "quick_gelu"/,
    ],
    ['no tower', { ...small, mm_vision_tower: null, vision_config: null }, /mm_vision_tower is missing/],
    ['a language model alone', llama, /config\.json: mm_vision_tower is missing: a language model alone/],
    ['a model of another kind', { kind: 'signal-mdvlm' }, /it is a signal-mdvlm model/],
    [
      'another projector',
      { ...released, mm_projector_type: 'linear' },
      /mm_projector_type is "linear".*mlp2x_gelu/,
    ],
    ['another pooling', { ...released, mm_spatial_pool_mode: 'max' }, /mm_spatial_pool_mode is "max"/],
    ['an unknown tower', { ...released, mm_vision_tower: 'clip' }, /"clip": only siglip2.*vision_config/],
    ['a tower without sizes', { ...small, vision_config: {} }, /vision_config: image_size is missing/],
    [
      'sizes that do not fit',
      { ...small, tal: { ...small.tal, frames: 400 } },
      /config\.json: .*frames must leave positions/,
    ],
    [
      'time tokens without an id',
      { ...small, tal: { time_tokens: { count: 9 } } },
      /time_tokens: first_id is missing/,
    ],
  ];
  for (const [what, config, message] of refused) {
    it(`is refused: ${what}`, () =>
      assert.throws(
        () => parseVideoMdvlmConfig(config),
        (error: Error) => error instanceof FileFormatError && message.test(error.message),
      ));
  }
});
