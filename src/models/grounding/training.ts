import { checkArgument, listed, optional, type Rule, rule } from '../../arguments.js';
import { openPriors } from '../../datasets/priors/read-priors.js';
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
import { type CodeRestartOptions, codeRestartRule } from './masra/code-restarts.js';
import { OpenedGrounding } from './opened.js';
import { PriorReader } from './priors/prior-reader.js';
import { type StandInKind, standInKinds, standInPriors } from './priors/stand-in-priors.js';
import { checkWords, knownVectors } from './query-text.js';
import { GroundingTask } from './task.js';

export interface GroundingTraining extends TrainingSettings {
  readonly objective: CgDetrObjective;
  /** The lowest and the highest score that an annotator gives a clip; default 0 and 4, as in QVHighlights. */
  readonly scores?: readonly [number, number];
  /** How signals are changed in training (ours); default: they are not. */
  readonly augment?: SignalAugmentation;
  /**
   * Where objectives with `semanticAlignment` or `relationAlignment` learn from: the path of a JSON file (`openPriors`), or `true`, `classes`
   * or `shifted`, which stand in for one (`standInPriors`). Default: the `priors.json` of the data set.
   */
  readonly priors?: string;
  /** When codes of the codebook that are not used are given a new start (ours); default: never. */
  readonly restart?: CodeRestartOptions;
}

export type GroundingRecipe = Recipe<GroundingConfig, GroundingTraining>;

const scoresRule: Rule<readonly [number, number]> = rule(
  'two finite numbers, the first below the second',
  (value) =>
    Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1],
);

const isStandIn = (priors: string): priors is StandInKind => standInKinds.includes(priors as StandInKind);

const priorsRule: Rule<string> = rule(
  `${standInKinds.join(', ')}, or the path of a .json file`,
  (value) => typeof value === 'string' && (isStandIn(value) || value.endsWith('.json')),
);

const groundingRecipeRule = recipeRule<GroundingConfig, GroundingTraining>(groundingRules, {
  ...trainingSettingRules,
  objective: cgDetrObjectiveRule,
  scores: optional(scoresRule),
  augment: optional(augmentationRule),
  priors: optional(priorsRule),
  restart: optional(codeRestartRule),
});

/** @throws OptionError that names the field */
export function checkGroundingRecipe(given: Recipe): GroundingRecipe {
  checkArgument('train', 'recipe', given, groundingRecipeRule);
  const recipe = given as GroundingRecipe;
  checkGroundingConfig(recipe.model);
  if (recipe.training.augment && recipe.model.clips.kind !== 'signal') {
    throw new OptionError('train: training.augment is for signals, but model.clips.kind is features');
  }
  if (recipe.training.priors !== undefined && !learnsFromPriors(recipe.training.objective)) {
    throw new OptionError(
      'train: training.priors goes with training.objective.semanticAlignment or relationAlignment above 0',
    );
  }
  const { interaction } = recipe.model.network;
  if (recipe.training.restart && (interaction.kind !== 'adaptive' || interaction.codes === undefined))
    throw new OptionError('train: training.restart is for a codebook (model.network.interaction.codes)');
  return recipe;
}

const learnsFromPriors = ({ semanticAlignment = 0, relationAlignment = 0 }: CgDetrObjective): boolean =>
  semanticAlignment > 0 || relationAlignment > 0;

/** Makes the network and its task from the texts about a split. @throws OptionError */
export async function prepareGrounding(
  runtime: Runtime,
  { model: config, training }: GroundingRecipe,
  { data, words, from }: TrainingInputs,
): Promise<PreparedTraining> {
  const { batch, seed, objective, augment, restart, scores = [0, 4], split = 'train' } = training;
  const ofWords = config.text.kind === 'words';
  checkWords(config.text, words.table);
  const told = withLabelQueries(data);
  const asked = askedIn(told, split, config, objective);
  // Before the first batch that has one.
  if (ofWords) for (const { text } of asked) knownVectors(words.table, text);
  const videos = [...new Set(asked.map(({ video }) => video.id))];
  const priors = await priorsOf(told, videos, training, config, words.table);
  const examples = new GroundingExamples(config, asked, words.table, { scores, augment, priors });
  const network = new GroundingNetwork(runtime, config);
  const task = new GroundingTask(network, examples, { batch, seed, objective, restart });
  const file = { architecture: 'cg-detr', model: config } as const;
  return {
    task,
    settings: { examples: asked.length },
    opened: new OpenedGrounding({
      file: { ...file, training: {} },
      network,
      ...(ofWords && { words: words.table }),
    }),
    warnings: [...unknownWords(asked, words, ofWords), ...untold(videos, priors)],
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

/** What tells of the videos, for objectives that learn from it. @throws OptionError, FileAccessError, FileFormatError */
async function priorsOf(
  data: VideoDataset,
  videos: readonly string[],
  { objective, priors: named, split = 'train' }: GroundingTraining,
  { network }: GroundingConfig,
  table: TrainingInputs['words']['table'],
): Promise<PriorReader | undefined> {
  if (!learnsFromPriors(objective)) return undefined;
  const found =
    named === undefined
      ? await data.priors?.()
      : isStandIn(named)
        ? standInPriors(data.items(split), named)
        : await openPriors(named);
  if (!found) {
    throw new OptionError(
      `train: ${data.name} has no priors.json: set training.priors to the path of one or to ` +
        `${listed(standInKinds, 'or')}, or training.objective.semanticAlignment=0 and relationAlignment=0`,
    );
  }
  const channels = network.masra?.semanticAlignment?.channels;
  try {
    const reader = new PriorReader(found, table);
    if (objective.semanticAlignment && channels !== reader.channels) {
      throw new OptionError(
        `train: the embeddings of ${found.name} have ${reader.channels} numbers: ` +
          `set model.network.masra.semanticAlignment.channels to that, not ${channels}`,
      );
    }
    reader.check(videos);
    return reader;
  } catch (error) {
    await found.close();
    throw error;
  }
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

function untold(videos: readonly string[], reader: PriorReader | undefined): string[] {
  const missing = reader ? videos.filter((id) => !reader.priors.of(id)) : [];
  if (missing.length === 0) return [];
  return [`${reader!.priors.name} does not tell of ${missing.length} of ${videos.length} videos`];
}
