import { OptionError } from '../../../errors.js';
import { type LanguageConfig, languageConfigs } from '../language/language-config.js';
import { videoMdvlmConfigs } from '../video/video-config.js';
import { tokensPerFrame, type VisualConfig } from '../vision/vision-config.js';

/** A model as far as its sizes go. */
export interface PlannedModel {
  readonly language: LanguageConfig;
  readonly visual?: VisualConfig;
}

/** Models by name. */
export const plannedModels = {
  'llada-8b': { language: languageConfigs['llada-8b'] },
  'llada-v-8b': videoMdvlmConfigs['llada-v-8b'],
  tiny: { language: languageConfigs.tiny },
} as const satisfies Record<string, PlannedModel>;

export type PlannedName = keyof typeof plannedModels;

/** What a denoising step works on. */
export interface StepSizes {
  /** Frames of the video; 0 for a model without a vision encoder. */
  readonly frames: number;
  /** Text tokens before the answer. */
  readonly prompt: number;
  /** Tokens of the answer. */
  readonly answer: number;
}

/** LLaDA-V's 32 frames where there is a vision encoder, and 256 tokens of text. */
export function defaultSizes({ visual }: PlannedModel): StepSizes {
  return { frames: visual ? 32 : 0, prompt: 128, answer: 128 };
}

/** Positions of the sequence. @throws OptionError where the model has no vision encoder for frames, or not so many positions */
export function positionsOf(
  { language, visual }: PlannedModel,
  { frames, prompt, answer }: StepSizes,
): number {
  if (frames > 0 && !visual) throw new OptionError('this model has no vision encoder: frames must be 0');
  const positions = (visual ? frames * tokensPerFrame(visual) : 0) + prompt + answer;
  if (positions > language.maxPositions) {
    throw new OptionError(`${positions} positions are over the model's ${language.maxPositions}`);
  }
  return positions;
}
