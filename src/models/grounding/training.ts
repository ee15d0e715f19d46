import { checkArgument, optional, type Rule, rule } from '../../arguments.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { beginWith } from '../common/begin-with.js';
import { saveWords } from '../common/save-words.js';
import { augmentationRule, type SignalAugmentation } from '../common/signal-augmentation.js';
import type { PreparedTraining, TrainingInputs } from '../model-spec.js';
import { type Recipe, recipeRule, type TrainingSettings, trainingSettingRules } from '../recipe.js';
import { type CgDetrObjective, cgDetrObjectiveRule } from './cg-detr/objective.js';
import { checkGroundingConfig, type GroundingConfig, groundingRules } from './config.js';
import { type AskedVideo, GroundingExamples } from './examples.js';
import { saveGrounding } from './folder.js';
import { GroundingNetwork } from './grounding-network.js';
import { withLabelQueries } from './label-queries.js';
import { OpenedGrounding } from './opened.js';
import { checkWords, knownVectors } from './query-text.js';
import { GroundingTask } from './task.js';

export interface GroundingTraining extends TrainingSettings {
  readonly objective: CgDetrObjective;
  /** The lowest and the highest score that an annotator gives a clip; default 0 and 4, as in QVHighlights. */
  readonly scores?: readonly [number, number];
  /** How signals are changed in training (ours); default: they are not. */
  readonly augment?: SignalAugmentation;
}

export type GroundingRecipe = Recipe<GroundingConfig, GroundingTraining>;

const scoresRule: Rule<readonly [number, number]> = rule(
  'two finite numbers, the first below the second',
  (value) =>
    Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1],
);

const groundingRecipeRule = recipeRule<GroundingConfig, GroundingTraining>(groundingRules, {
  ...trainingSettingRules,
  objective: cgDetrObjectiveRule,
  scores: optional(scoresRule),
  augment: optional(augmentationRule),
});

/** @throws OptionError that names the field */
export function checkGroundingRecipe(given: Recipe): GroundingRecipe {
  checkArgument('train', 'recipe', given, groundingRecipeRule);
  const recipe = given as GroundingRecipe;
  checkGroundingConfig(recipe.model);
  if (recipe.training.augment && recipe.model.clips.kind !== 'signal') {
    throw new OptionError('train: training.augment is for signals, but model.clips.kind is features');
  }
  return recipe;
}

/** Makes the network and its task from the texts about a split. @throws OptionError */
export async function prepareGrounding(
  runtime: Runtime,
  { model: config, training }: GroundingRecipe,
  { data, words, from }: TrainingInputs,
): Promise<PreparedTraining> {
  const { batch, seed, objective, augment, scores = [0, 4], split = 'train' } = training;
  const ofWords = config.text.kind === 'words';
  checkWords(config.text, words.table);
  const told = withLabelQueries(data);
  const asked = askedIn(told, split, config, objective);
  // Before the first batch that has one.
  if (ofWords) for (const { text } of asked) knownVectors(words.table, text);
  const examples = new GroundingExamples(config, asked, words.table, { scores, augment });
  const network = new GroundingNetwork(runtime, config);
  const file = { architecture: 'cg-detr', model: config } as const;
  return {
    task: new GroundingTask(network, examples, { batch, seed, objective }),
    settings: { examples: asked.length },
    opened: new OpenedGrounding({
      file: { ...file, training: {} },
      network,
      ...(ofWords && { words: words.table }),
    }),
    warnings: unknownWords(asked, words, ofWords),
    ...(from !== undefined && {
      begin: () => beginWith(network, from),
    }),
    save: async (folder, trained) =>
      saveGrounding(folder, network, {
        ...file,
        ...(ofWords && { words: await saveWords(folder, words, sentencesIn(told), data.name) }),
        training: trained,
      }),
  };
}

/** What is asked about the videos of a split, where there is something to learn of it. @throws OptionError where there is nothing */
function askedIn(
  data: VideoDataset,
  split: string,
  { text }: GroundingConfig,
  { spans }: CgDetrObjective,
): AskedVideo[] {
  const asked = data.items(split).flatMap((video) =>
    (video.annotations.queries ?? []).flatMap((query): AskedVideo[] => {
      const { windows, saliency, excerpt, features } = query;
      if (spans ? windows.length === 0 : !saliency) return [];
      return [
        {
          ...{ video, text: query.text, excerpt, windows },
          ...(features && { features: () => features.call(query) }),
          ...(saliency && { saliency }),
        },
      ];
    }),
  );
  if (asked.length === 0) {
    const missing = spans
      ? 'a moment to learn from; without training.objective.spans highlights are learned alone'
      : 'scores of clips to learn from';
    throw new OptionError(`train: no query of the split ${split} of ${data.name} has ${missing}`);
  }
  if (text.kind === 'features' && !asked.every(({ features }) => features)) {
    throw new OptionError(
      `train: the model reads features of the words of a query, and ${data.name} has none of all: ` +
        'set model.text.kind=words and model.text.channels to the size of the word vectors',
    );
  }
  return asked;
}

function unknownWords(
  asked: readonly AskedVideo[],
  { table }: TrainingInputs['words'],
  ofWords: boolean,
): string[] {
  if (!ofWords) return [];
  const unknown = new Set(asked.flatMap(({ text }) => table.embed(text).unknown));
  return unknown.size === 0 ? [] : [`words without a vector: ${[...unknown].sort().join(', ')}`];
}

const sentencesIn = (data: VideoDataset): string[] =>
  data.splits.flatMap((split) =>
    data.items(split).flatMap(({ annotations }) => (annotations.queries ?? []).map(({ text }) => text)),
  );
