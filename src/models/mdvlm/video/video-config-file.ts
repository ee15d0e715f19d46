import { checkArgument, text } from '../../../arguments.js';
import { checkedFile, JsonRecord } from '../../../data/formats/json-record.js';
import { isObject } from '../../../data/formats/safetensors-header.js';
import { architectureOf } from '../../common/architecture.js';
import { parseLanguageConfig } from '../language/language-config.js';
import { type VisionConfig, visualConfigs } from '../vision/vision-config.js';
import { checkVideoMdvlmConfig, type VideoMdvlmConfig, videoMdvlmConfigs } from './video-config.js';

/**
 * A `config.json` of LLaDA-V's form: the keys of a language model, or its `text_config`, beside those that LLaVA gives to
 * its vision encoder, `mm_…`. The sizes of the tower are known by the name in `mm_vision_tower`, or stand in
 * `vision_config`, where the last of `num_hidden_layers` is not run. What LLaDA-V has no key for is under `tal` (ours):
 * `frames`, and `time_tokens` with `count` and `first_id`; without it they are those of LLaDA-V.
 * @param where what messages call it: its path
 * @throws FileFormatError that names the key where one is missing, of a wrong kind, does not fit the others, or asks for
 *   what the network does not have
 */
export function parseVideoMdvlmConfig(json: unknown, where = 'config.json'): VideoMdvlmConfig {
  checkArgument('parseVideoMdvlmConfig', 'where', where, text);
  const record = new JsonRecord(json, where);
  // Other models that this package writes name their architecture.
  const other = architectureOf(json, where);
  if (other !== undefined) throw record.error(`it is a ${other} model, not LLaDA-V's`);
  const language = parseLanguageConfig(json, where);
  if (!hasVisionEncoder(json)) {
    throw record.error('mm_vision_tower is missing: a language model alone cannot look at videos');
  }
  refuseOthers(record, knownEncoder);
  const stride = record.absent('mm_spatial_pool_stride') ? 2 : record.integer('mm_spatial_pool_stride', 1);
  return checkedFile(where, () =>
    checkVideoMdvlmConfig({
      language,
      visual: {
        vision: visionOf(record),
        projector: { hidden: language.hidden },
        pooling: { stride },
      },
      ...ownKeys(record),
    }),
  );
}

/**
 * Whether a `config.json` is that of a model with a vision encoder: `mm_vision_tower` (LLaVA's form) or, with the keys
 * of the language model in `text_config`, `vision_config` says which.
 */
export function hasVisionEncoder(json: unknown): boolean {
  if (!isObject(json)) return false;
  const given = (key: string) => (json[key] ?? undefined) !== undefined;
  return given('mm_vision_tower') || (given('text_config') && given('vision_config'));
}

/** How LLaDA-V's vision encoder is made, where a configuration says it. */
const knownEncoder: Readonly<Record<string, unknown>> = {
  mm_projector_type: 'mlp2x_gelu',
  mm_spatial_pool_mode: 'bilinear',
  mm_newline_position: 'grid',
  projector_hidden_act: 'gelu',
  vision_feature_layer: -2,
};

function refuseOthers(record: JsonRecord, knowns: Readonly<Record<string, unknown>>): void {
  for (const [key, known] of Object.entries(knowns)) {
    const value = record.value(key);
    if (record.absent(key) || value === known) continue;
    throw record.error(`${key} is ${JSON.stringify(value)}, this network has ${known}`);
  }
}

const siglip = 'siglip2-so400m-patch14-384';

function visionOf(record: JsonRecord): VisionConfig {
  if (!record.absent('vision_config')) {
    const given = record.record('vision_config');
    // The configuration of a whole SigLIP has one for its tower.
    const vision = given.absent('vision_config') ? given : given.record('vision_config');
    refuseOthers(vision, { hidden_act: 'gelu_pytorch_tanh' });
    return {
      imageSize: vision.integer('image_size', 1),
      patch: vision.integer('patch_size', 1),
      width: vision.integer('hidden_size', 1),
      layers: vision.integer('num_hidden_layers', 2) - 1,
      unusedLayers: 1,
      heads: vision.integer('num_attention_heads', 1),
      intermediate: vision.integer('intermediate_size', 1),
      epsilon: vision.absent('layer_norm_eps') ? 1e-6 : vision.number('layer_norm_eps', 0),
    };
  }
  const tower = record.text('mm_vision_tower');
  if (tower.includes(siglip)) return visualConfigs[siglip].vision;
  throw record.error(
    `mm_vision_tower is ${JSON.stringify(tower)}: only ${siglip} is known by name, of others vision_config must tell the sizes`,
  );
}

function ownKeys(record: JsonRecord): Pick<VideoMdvlmConfig, 'frames' | 'times'> {
  const { frames, times } = videoMdvlmConfigs['llada-v-8b'];
  if (!record.has('tal')) return { frames, times };
  const own = record.record('tal');
  own.checkNames('frames', 'time_tokens');
  const tokens = own.has('time_tokens') ? own.record('time_tokens') : undefined;
  tokens?.checkNames('count', 'first_id');
  return {
    frames: own.has('frames') ? own.integer('frames', 1) : frames,
    times: tokens ? { count: tokens.integer('count', 2), firstId: tokens.integer('first_id', 0) } : times,
  };
}
