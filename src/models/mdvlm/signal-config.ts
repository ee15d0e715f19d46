import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { mapDiffusionConfigs } from '../map-diffusion/config.js';
import { Grounding, type GroundingConfig } from './grounding.js';
import type { LanguageConfig } from './language-config.js';
import { LanguageModel, plainEmbedding } from './language-model.js';
import { type AnswerOrder, answerOrders, Mdvlm } from './mdvlm.js';
import { SignalEyes, type SignalEyesConfig } from './signal-eyes.js';
import { timeWaves } from './time-waves.js';
import { WordVocabulary } from './word-vocabulary.js';

/** A small model that answers questions about recorded signals with a span of time. */
export interface SignalMdvlmConfig {
  readonly eyes: SignalEyesConfig;
  /** Its vocabulary is that of the words. */
  readonly language: Omit<LanguageConfig, 'vocabulary' | 'maskId' | 'maxPositions'>;
  readonly order: AnswerOrder;
  /** Not with `diffusion`, where what the prompt is made into depends on the answer. */
  readonly grounding?: GroundingConfig;
  /** Time tokens over the window that the model sees. */
  readonly times: number;
  /** Q: words that a question may have. */
  readonly question: number;
}

const { clips, layout, recognition } = mapDiffusionConfigs.hapt;

/** Configurations by name. */
export const signalMdvlmConfigs = {
  /** Recordings of a smartphone's six channels at 50 Hz, 64 clips of 1.5 s, about 0.5 million weights (ours). */
  'hapt-mdvlm-tiny': {
    // Beside cross-entropies of whole answers recognition counts more than beside squared errors.
    eyes: { count: layout.clips, clips, hidden: 96, recognition: { ...recognition, weight: 1 } },
    language: {
      hidden: 96,
      layers: 3,
      heads: 3,
      keyHeads: 3,
      headSize: 32,
      intermediate: 256,
      ropeTheta: 10_000,
      epsilon: 1e-5,
      tied: true,
    },
    order: 'prefix-diffusion',
    grounding: { weight: 1 },
    times: 129,
    question: 20,
  },
} as const satisfies Record<string, SignalMdvlmConfig>;

export type SignalMdvlmName = keyof typeof signalMdvlmConfigs;

/** Tokens of an answer: start, end, and the one that ends it. */
export const answerLength = 3;

/** A model of signals with the words that it knows. */
export interface SignalMdvlm {
  readonly config: SignalMdvlmConfig;
  readonly vocabulary: WordVocabulary;
  readonly model: Mdvlm<SignalEyes>;
}

/** The model of a configuration, without weights. @throws OptionError for a configuration that cannot be */
export function makeSignalMdvlm(
  runtime: Runtime,
  config: SignalMdvlmConfig,
  words: readonly string[],
): SignalMdvlm {
  checkSignalMdvlmConfig(config);
  const vocabulary = new WordVocabulary(words, config.times);
  const language: LanguageConfig = {
    ...config.language,
    vocabulary: vocabulary.size,
    maskId: vocabulary.maskId,
    maxPositions: 1 + config.eyes.count + config.question + answerLength,
  };
  const { times } = vocabulary;
  const model = runtime.detached(() => {
    const speaker = new LanguageModel(runtime, language, {
      initialEmbedding: timeWaves(plainEmbedding, times, language.hidden),
    });
    const eyes = new SignalEyes(runtime, config.eyes, language.hidden, (ids) => speaker.embed(ids), times);
    const grounding = config.grounding && new Grounding(runtime, language.hidden, config.grounding);
    return new Mdvlm(eyes, speaker, config.order, grounding);
  });
  return { config, vocabulary, model };
}

/** A configuration from a file, the fields that its layers do not check themselves. @throws OptionError */
export function checkSignalMdvlmConfig(value: unknown): SignalMdvlmConfig {
  const config = value as SignalMdvlmConfig;
  for (const part of ['eyes', 'language'] as const) {
    if (typeof config?.[part] !== 'object' || config[part] === null) {
      throw new OptionError(`a configuration needs ${part}`);
    }
  }
  const { eyes, language, order, grounding, times, question } = config;
  if (eyes.clips?.kind !== 'signal') throw new OptionError('eyes.clips.kind must be signal');
  if (!Array.isArray(eyes.clips.stages) || !Array.isArray(eyes.clips.context)) {
    throw new OptionError('eyes.clips needs its stages and its context');
  }
  const sizes = {
    'eyes.count': eyes.count,
    'eyes.hidden': eyes.hidden,
    times,
    question,
    ...Object.fromEntries(
      (['hidden', 'layers', 'heads', 'keyHeads', 'headSize', 'intermediate'] as const).map((field) => [
        `language.${field}`,
        language[field],
      ]),
    ),
  };
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new OptionError(`${name} must be a whole number of at least 1, not ${JSON.stringify(size)}`);
    }
  }
  for (const field of ['ropeTheta', 'epsilon'] as const) {
    if (!(language[field] > 0)) throw new OptionError(`language.${field} must be above 0`);
  }
  if (!answerOrders.includes(order)) {
    throw new OptionError(`order must be one of ${answerOrders.join(', ')}, not ${JSON.stringify(order)}`);
  }
  if (grounding) {
    if (order === 'diffusion') throw new OptionError('grounding needs a prompt that sees only itself');
    if (!(grounding.weight > 0)) throw new OptionError('grounding.weight must be above 0');
  }
  return config;
}
