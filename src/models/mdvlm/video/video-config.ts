import { checkFields, integer, onlyFields, type Rules } from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { type LanguageConfig, languageConfigs, languageRule } from '../language/language-config.js';
import { TimeTokens, type TimeTokensOptions, timesRules } from '../time-tokens.js';
import {
  checkVisualConfig,
  tokensPerFrame,
  type VisualConfig,
  visualConfigs,
  visualRules,
} from '../vision/vision-config.js';

/** A masked diffusion vision-language model that watches videos. */
export interface VideoMdvlmConfig {
  readonly language: LanguageConfig;
  /** Its projector is as wide as the language model. */
  readonly visual: VisualConfig;
  readonly times: Required<TimeTokensOptions>;
  /** Frames of a video that it looks at. */
  readonly frames: number;
}

/** Time tokens on the reserved tokens of LLaDA. */
const { count, firstId } = new TimeTokens();
const times = { count, firstId };

/** Configurations by name. */
export const videoMdvlmConfigs = {
  /** LLaDA-V (You et al., arXiv:2505.16933), which was trained with up to 32 frames. */
  'llada-v-8b': {
    language: { ...languageConfigs['llada-8b'], maxPositions: 16_384 },
    visual: visualConfigs['siglip2-so400m-patch14-384'],
    times,
    frames: 32,
  },
  /** LLaDA-8B with the same vision encoder, which is still to be trained; its 4,096 positions hold 16 frames (ours). */
  'llada-8b': {
    language: languageConfigs['llada-8b'],
    visual: visualConfigs['siglip2-so400m-patch14-384'],
    times,
    frames: 16,
  },
  /** Small enough for tests: 512 tokens, the bytes first (ours). */
  tiny: {
    language: { ...languageConfigs.tiny, maxPositions: 2048 },
    visual: { ...visualConfigs.tiny, projector: { hidden: languageConfigs.tiny.hidden } },
    times: { count: 100, firstId: 410 },
    frames: 4,
  },
} as const satisfies Record<string, VideoMdvlmConfig>;

export type VideoMdvlmName = keyof typeof videoMdvlmConfigs;

export const configRules: Rules<VideoMdvlmConfig> = {
  language: languageRule,
  visual: onlyFields(visualRules),
  times: onlyFields(timesRules),
  frames: integer(1),
};

/**
 * Whether the parts of a configuration fit together.
 * @throws OptionError that names the field
 */
export function checkVideoMdvlmConfig(config: VideoMdvlmConfig): VideoMdvlmConfig {
  checkFields('checkVideoMdvlmConfig', config, configRules, 'field');
  const { language, visual, times, frames } = config;
  checkVisualConfig(visual);
  const { hidden, vocabulary, maskId, maxPositions } = language;
  if (visual.projector.hidden !== hidden) {
    throw new OptionError(
      `checkVideoMdvlmConfig: visual.projector.hidden must be that of the language model, ${hidden}, not ${visual.projector.hidden}`,
    );
  }
  const tokens = new TimeTokens(times);
  const last = tokens.id(tokens.count - 1);
  if (last >= vocabulary || tokens.indexOf(maskId) !== undefined) {
    throw new OptionError(
      `checkVideoMdvlmConfig: times must be ids of the vocabulary of ${vocabulary} without the mask ${maskId}, not ${tokens.firstId} to ${last}`,
    );
  }
  const visualTokens = frames * tokensPerFrame(visual);
  if (visualTokens >= maxPositions) {
    throw new OptionError(
      `checkVideoMdvlmConfig: frames must leave positions for words: ${frames} frames take ${visualTokens} of ${maxPositions} positions`,
    );
  }
  return config;
}
