import { checkArgument, flag, integer, oneOf, optional, type Rules } from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { given } from '../../../tensor/given.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { AskedWindow } from '../../map-diffusion/asked-windows.js';
import { checkClasses } from '../../map-diffusion/recognition.js';
import type { PreparedTraining, TrainingInputs } from '../../model-spec.js';
import { type Recipe, recipeRule, type TrainingSettings, trainingSettingRules } from '../../recipe.js';
import { checkedPlan } from '../objective/masking.js';
import { type Objective, objectives } from '../objective/objective.js';
import { OpenedSignalMdvlm } from './opened.js';
import {
  checkSignalMdvlmConfig,
  configRules,
  makeSignalMdvlm,
  type SignalMdvlmConfig,
  signalMdvlmConfigs,
} from './signal-config.js';
import {
  loadSignalWeights,
  readSignalMdvlmFile,
  type SignalMdvlmFile,
  saveSignalMdvlm,
} from './signal-folder.js';
import { SignalQuestions } from './signal-questions.js';
import { MdvlmTask } from './task.js';
import { WordVocabulary } from './word-vocabulary.js';

export interface SignalTraining extends TrainingSettings {
  /** What it learns by, each on top of those before it; nothing to an autoregressive model. Default `+iou`. */
  readonly objective?: Objective;
  /** Uniform masks come with their complement in a second copy (LaViDa). Default false. */
  readonly complementary?: boolean;
  /** The IoU reward as a policy gradient, of so many draws a span; default: the expected overlap. */
  readonly rewardSamples?: number;
}

const trainingRules: Rules<SignalTraining> = {
  ...trainingSettingRules,
  objective: optional(oneOf(...objectives)),
  complementary: optional(flag),
  rewardSamples: optional(integer(2)),
};

export type SignalRecipe = Recipe<SignalMdvlmConfig, SignalTraining>;

const signalRecipeRule = recipeRule(configRules, trainingRules);

/** Ours. */
const training: SignalTraining = {
  ...{ steps: 2000, batch: 32, learningRate: 1e-3, weightDecay: 0.01, maxNorm: 1, seed: 1 },
  objective: '+iou',
};

export const signalRecipes: Readonly<Record<string, SignalRecipe>> = Object.fromEntries(
  Object.entries(signalMdvlmConfigs).map(([name, model]) => [
    name,
    { architecture: 'signal-mdvlm', model, training },
  ]),
);

/** @throws OptionError that names the field */
export function checkSignalRecipe(recipe: Recipe): SignalRecipe {
  checkArgument('train', 'recipe', recipe, signalRecipeRule);
  const { model, training } = recipe as SignalRecipe;
  checkSignalMdvlmConfig(model);
  const rewarded = (training.objective ?? '+iou') === '+iou' && model.order !== 'autoregressive';
  if (training.rewardSamples !== undefined && !rewarded) {
    throw new OptionError(
      'train: training.rewardSamples is of the IoU reward: it needs training.objective +iou and an order of diffusion',
    );
  }
  return recipe as SignalRecipe;
}

/** Makes the model and its task from the queries of a split. @throws OptionError, FileAccessError, FileFormatError */
export async function prepareQuestions(
  runtime: Runtime,
  { model: config, training }: SignalRecipe,
  { data, from }: TrainingInputs,
): Promise<PreparedTraining> {
  const { batch, seed, steps, split = 'train', objective = '+iou', complementary, rewardSamples } = training;
  checkClasses(config.encoder.recognition, data, 'model.encoder.recognition');
  const asked = data
    .items(split)
    .flatMap((video): AskedWindow[] =>
      (video.annotations.queries ?? [])
        .filter(({ windows }) => windows.length > 0)
        .map((query) => ({ video, window: query.excerpt, sentences: [query] })),
    );
  if (asked.length === 0) {
    throw new OptionError(`train: no query of the split ${split} of ${data.name} has a moment to learn from`);
  }
  const sentences = asked.flatMap((window) => window.sentences.map(({ text }) => text));
  const { words } =
    from === undefined ? WordVocabulary.of(sentences, config.times) : await readSignalMdvlmFile(from);
  const mdvlm = makeSignalMdvlm(runtime, config, words);
  const questions = new SignalQuestions(
    mdvlm,
    asked,
    config.encoder.recognition && { classes: data.classes },
  );
  const task = new MdvlmTask(mdvlm, questions, {
    ...{ batch, seed, steps, objective },
    ...given({ complementary }),
    ...(rewardSamples !== undefined && { reward: { samples: rewardSamples } }),
  });
  const file = (trained: Readonly<Record<string, unknown>>): SignalMdvlmFile => ({
    architecture: 'signal-mdvlm',
    model: config,
    words,
    // As the plan recovers times in training.
    decoding: { steps: 4, rho: objective === 'uniform' ? 1 : checkedPlan().rho },
    training: trained,
  });
  return {
    task,
    settings: { examples: questions.size },
    opened: new OpenedSignalMdvlm({ ...mdvlm, file: file({}) }),
    warnings:
      questions.unknownWords.length > 0
        ? [`words that the model of --from does not know: ${questions.unknownWords.join(', ')}`]
        : [],
    ...(from !== undefined && { begin: () => loadSignalWeights(mdvlm, from) }),
    save: (folder, trained) => saveSignalMdvlm(folder, mdvlm, file(trained)),
  };
}
