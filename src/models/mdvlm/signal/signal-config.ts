import {
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  text,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import { mapDiffusionConfigs } from '../../map-diffusion/config.js';
import type { LanguageConfig } from '../language/language-config.js';
import { speakerRules } from '../language/language-config.js';
import { LanguageModel, plainEmbedding } from '../language/language-model.js';
import { type AnswerOrder, answerOrders, Mdvlm } from '../mdvlm.js';
import { Grounding, type MomentTokenConfig } from './grounding.js';
import { SignalEncoder, type SignalEncoderConfig, signalEncoderRule } from './signal-encoder.js';
import { timeWaves } from './time-waves.js';
import { WordVocabulary } from './word-vocabulary.js';

/** A small model that answers questions about recorded signals with a span of time. */
export interface SignalMdvlmConfig {
  readonly encoder: SignalEncoderConfig;
  /** Its vocabulary is that of the words. */
  readonly language: Omit<LanguageConfig, 'vocabulary' | 'maskId' | 'maxPositions'>;
  readonly order: AnswerOrder;
  /** Not with `diffusion`, where what the prompt is made into depends on the answer. */
  readonly grounding?: MomentTokenConfig;
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
    encoder: { count: layout.clips, clips, hidden: 96, recognition: { ...recognition, weight: 1 } },
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
  readonly model: Mdvlm<SignalEncoder>;
}

/** The model of a configuration, without weights. @throws OptionError for a configuration that cannot be */
export function makeSignalMdvlm(
  runtime: Runtime,
  config: SignalMdvlmConfig,
  words: readonly string[],
): SignalMdvlm {
  checkArguments('makeSignalMdvlm', { runtime, words }, { runtime: anyRuntime, words: listOf(text) });
  checkSignalMdvlmConfig(config);
  const vocabulary = new WordVocabulary(words, config.times);
  const language: LanguageConfig = {
    ...config.language,
    vocabulary: vocabulary.size,
    maskId: vocabulary.maskId,
    maxPositions: 1 + config.encoder.count + config.question + answerLength,
  };
  const { times } = vocabulary;
  const model = runtime.detached(() => {
    const speaker = new LanguageModel(runtime, language, {
      initialEmbedding: timeWaves(plainEmbedding, times, language.hidden),
    });
    const encoder = new SignalEncoder(
      runtime,
      config.encoder,
      language.hidden,
      (ids) => speaker.embed(ids),
      times,
    );
    const grounding = config.grounding && new Grounding(runtime, language.hidden, config.grounding);
    return new Mdvlm(encoder, speaker, config.order, grounding);
  });
  return { config, vocabulary, model };
}

const size = integer(1);

export const configRules: Rules<SignalMdvlmConfig> = {
  encoder: signalEncoderRule,
  language: onlyFields<SignalMdvlmConfig['language']>(speakerRules),
  order: oneOf(...answerOrders),
  grounding: optional(onlyFields<MomentTokenConfig>({ weight: positive })),
  times: integer(2),
  question: size,
};

export const signalMdvlmRule: Rule<SignalMdvlm> = objectWith<SignalMdvlm>(
  {
    config: onlyFields(configRules),
    vocabulary: instanceOf(WordVocabulary, 'a WordVocabulary'),
    model: instanceOf<Mdvlm<SignalEncoder>>(Mdvlm, 'an Mdvlm'),
  },
  'a model of signals (makeSignalMdvlm)',
);

/** A configuration, such as one from a file, every field checked. @throws OptionError that names the field */
export function checkSignalMdvlmConfig(value: unknown): SignalMdvlmConfig {
  checkFields<SignalMdvlmConfig>('makeSignalMdvlm', value, configRules, 'field');
  if (value.grounding && value.order === 'diffusion') {
    throw new OptionError(
      'makeSignalMdvlm: grounding needs a prompt that sees only itself, not order diffusion',
    );
  }
  return value;
}
