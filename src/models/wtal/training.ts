import { checkArgument, optional, type Rules, rule, uint32 } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { beginWith } from '../common/begin-with.js';
import { augmentationRule, type SignalAugmentation } from '../common/signal-augmentation.js';
import type { PreparedTraining, TrainingInputs, TrainingWords } from '../model-spec.js';
import { type Recipe, recipeRule, type TrainingSettings, trainingSettingRules } from '../recipe.js';
import { type Bag, bagsOf } from './bags.js';
import { type GuidanceConfig, guidanceRule } from './mllm4wtal/config.js';
import { Guidance } from './mllm4wtal/guidance.js';
import { GuidanceBatch } from './mllm4wtal/guidance-batch.js';
import { readPriors, type SemanticPriors } from './mllm4wtal/priors.js';
import { type StandInKind, scrambledPriors, standInPriors } from './mllm4wtal/stand-in-priors.js';
import { guidanceGroups } from './mllm4wtal/turns.js';
import { objectiveRule, type WtalObjective } from './objective.js';
import { OpenedWtal } from './opened.js';
import { snippetChannels } from './snippets.js';
import { WtalTask } from './task.js';
import { WtalTrainee } from './trainee.js';
import { type WtalConfig, wtalRules } from './wtal-config.js';
import { saveWtal } from './wtal-folder.js';
import { WtalNetwork } from './wtal-network.js';

export interface WtalTraining extends TrainingSettings {
  /** What the network learns by. */
  readonly objective: WtalObjective;
  /** How signals are changed in training (ours); default: they are not. */
  readonly augment?: SignalAugmentation;
  /** MLLM4WTAL: what guides the network in training beside its objective; needs priors. Default: nothing. */
  readonly guidance?: GuidanceConfig;
  /**
   * What is told of the videos: the path of a JSON file (`readPriors`), or `ordered` or `classes`, which stand in for it
   * (`standInPriors`).
   */
  readonly priors?: string;
  /** Exchanges the priors of the videos at random, as a control; the seed of it. */
  readonly scramble?: number;
}

const priorsRule = rule<string>(
  'ordered, classes, or the path of a .json file',
  (value) => typeof value === 'string' && (isStandIn(value) || value.endsWith('.json')),
);

const trainingRules: Rules<WtalTraining> = {
  ...trainingSettingRules,
  objective: objectiveRule,
  augment: optional(augmentationRule),
  guidance: optional(guidanceRule),
  priors: optional(priorsRule),
  scramble: optional(uint32),
};

export type WtalRecipe = Recipe<WtalConfig, WtalTraining>;

const wtalRecipeRule = recipeRule(wtalRules, trainingRules);

const refused = (message: string) => new OptionError(`train: ${message}`);

/** @throws OptionError that names the field */
export function checkWtalRecipe(given: Recipe): WtalRecipe {
  checkArgument('train', 'recipe', given, wtalRecipeRule);
  const recipe = given as WtalRecipe;
  const { objective, batch, augment, guidance, priors, scramble } = recipe.training;
  const pairs = objective.coActivity?.pairs ?? 0;
  if (2 * pairs > batch) {
    throw refused(
      `training.objective.coActivity.pairs is ${pairs}, but a batch has ${batch} bags: it must be at most half of them`,
    );
  }
  if (augment && recipe.model.snippets.kind !== 'signal')
    throw refused('training.augment is for signals, but model.snippets.kind is features');
  if (guidance && priors === undefined)
    throw refused('training.guidance needs training.priors: ordered, classes, or the path of a .json file');
  if (!guidance && (priors !== undefined || scramble !== undefined))
    throw refused('training.priors and training.scramble go with training.guidance');
  return recipe;
}

/** Makes the network and its task from the labels of a split. @throws OptionError, FileAccessError, FileFormatError */
export async function prepareWtal(
  runtime: Runtime,
  { model: config, training }: WtalRecipe,
  { data, words, from }: TrainingInputs,
): Promise<PreparedTraining> {
  const { batch, seed, steps, objective, augment, split = 'train' } = training;
  const network = new WtalNetwork(runtime, config, data.classes.length + 1);
  const file = (trained: Readonly<Record<string, unknown>>) => ({
    architecture: 'wtal' as const,
    model: config,
    classes: data.classes,
    training: trained,
  });
  const opened = new OpenedWtal({ file: file({}), network });
  const bags = bagsOf(await opened.judgedOn(data, split), split);
  const guided = await guidanceOf(network, training, bags, data.classes, words);
  const trainee = new WtalTrainee(network, guided?.guidance);
  const task = new WtalTask(trainee, bags, { batch, seed, steps, objective, augment }, guided?.told);
  return {
    task,
    settings: { bags: bags.length },
    opened,
    warnings: [],
    ...(guided && { groups: guidanceGroups(training.guidance!, 'guidance') }),
    ...(from !== undefined && {
      begin: async () => {
        trainee.initialize(seed);
        await beginWith(network, from);
      },
    }),
    save: (folder, trained) => saveWtal(folder, network, file(trained)),
  };
}

/** The guidance of MLLM4WTAL, and what it is told of each bag. */
async function guidanceOf(
  { runtime, base, config }: WtalNetwork,
  { guidance, priors, scramble, batch }: WtalTraining,
  bags: readonly Bag[],
  classes: readonly string[],
  words: TrainingWords,
): Promise<{ readonly guidance: Guidance; readonly told: GuidanceBatch } | undefined> {
  if (!guidance) return undefined;
  const { table: vectors } = words;
  const videos = bags.map(({ video }) => video);
  const known: SemanticPriors = isStandIn(priors!)
    ? standInPriors(videos, classes, priors)
    : await readPriors(priors!, { classes, vectors });
  const told = new GuidanceBatch(
    runtime,
    scramble === undefined ? known : scrambledPriors(known, scramble),
    { classes, vectors },
    videos.map(({ id }) => id),
    batch,
  );
  const sizes = {
    ...{ batch, steps: config.steps, channels: snippetChannels(config.snippets) },
    ...{ classes: base.classes, wordWidth: vectors.dimensions },
  };
  return { guidance: new Guidance(runtime, guidance, sizes, told.words), told };
}

const isStandIn = (priors: string): priors is StandInKind => priors === 'ordered' || priors === 'classes';
