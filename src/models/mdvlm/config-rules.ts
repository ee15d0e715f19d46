import {
  flag,
  integer,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  rule,
} from '../../arguments.js';
import { weightStorages } from '../../nn/weight-storage.js';
import { recognitionRule, signalRule } from '../map-diffusion/config.js';
import type { LanguageConfig } from './language/language-config.js';
import type { SignalEncoderConfig } from './signal/signal-encoder.js';
import type { TimeTokensOptions } from './time-tokens.js';
import type { VisionConfig, VisualConfig, VisualOptions } from './vision/vision-config.js';

const size = integer(1);
const id = integer(0, 2 ** 32 - 1);
const epsilon: Rule<number> = rule(
  'a number above 0 and below 1',
  (value) => typeof value === 'number' && value > 0 && value < 1,
);

/** What the language model of every configuration has; a model of signals takes the rest from its words. */
export const speakerRules: Rules<Omit<LanguageConfig, 'vocabulary' | 'maskId' | 'maxPositions'>> = {
  hidden: size,
  layers: size,
  heads: size,
  keyHeads: size,
  headSize: size,
  intermediate: size,
  ropeTheta: positive,
  epsilon,
  tied: flag,
};

export const languageRule: Rule<LanguageConfig> = onlyFields<LanguageConfig>({
  ...speakerRules,
  vocabulary: size,
  maskId: id,
  maxPositions: size,
});

export const visionRule: Rule<VisionConfig> = onlyFields<VisionConfig>({
  imageSize: size,
  patch: size,
  width: size,
  layers: size,
  unusedLayers: integer(0),
  heads: size,
  intermediate: size,
  epsilon,
});

export const visualRules: Rules<VisualConfig> = {
  vision: visionRule,
  projector: onlyFields<VisualConfig['projector']>({ hidden: size }),
  pooling: onlyFields<VisualConfig['pooling']>({ stride: size }),
};

export const eyesRule: Rule<SignalEncoderConfig> = onlyFields<SignalEncoderConfig>({
  count: size,
  clips: signalRule,
  hidden: size,
  recognition: optional(recognitionRule),
});

export const visualOptionRules: Rules<VisualOptions> = { weights: optional(oneOf(...weightStorages)) };

export const timesRules: Rules<Required<TimeTokensOptions>> = { count: integer(2), firstId: integer(0) };
