import { checkArgument, optional, type Rules } from '../../arguments.js';
import { openSafetensors } from '../../data/formats/safetensors.js';
import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import { augmentationRule, type SignalAugmentation } from '../common/signal-augmentation.js';
import type { PreparedTraining, TrainingInputs } from '../model-spec.js';
import { type Recipe, recipeRule, type TrainingSettings, trainingSettingRules } from '../recipe.js';
import { bagsOf } from './bags.js';
import { type Objective, objectiveRule } from './objective.js';
import { OpenedWtal } from './opened.js';
import { WtalTask } from './task.js';
import { type WtalConfig, wtalRules } from './wtal-config.js';
import { saveWtal } from './wtal-folder.js';
import { WtalNetwork } from './wtal-network.js';

export interface WtalTraining extends TrainingSettings {
  /** What the network learns by. */
  readonly objective: Objective;
  /** How signals are changed in training (ours); default: they are not. */
  readonly augment?: SignalAugmentation;
}

const trainingRules: Rules<WtalTraining> = {
  ...trainingSettingRules,
  objective: objectiveRule,
  augment: optional(augmentationRule),
};

export type WtalRecipe = Recipe<WtalConfig, WtalTraining>;

const wtalRecipeRule = recipeRule(wtalRules, trainingRules);

/** @throws OptionError that names the field */
export function checkWtalRecipe(recipe: Recipe): WtalRecipe {
  checkArgument('train', 'recipe', recipe, wtalRecipeRule);
  const { objective, batch } = (recipe as WtalRecipe).training;
  const pairs = objective.coActivity?.pairs ?? 0;
  if (2 * pairs > batch) {
    throw new OptionError(
      `train: training.objective.coActivity.pairs is ${pairs}, but a batch has ${batch} bags: it must be at most half of them`,
    );
  }
  if ((recipe as WtalRecipe).training.augment && (recipe as WtalRecipe).model.snippets.kind !== 'signal') {
    throw new OptionError('train: training.augment is for signals, but model.snippets.kind is features');
  }
  return recipe as WtalRecipe;
}

/** Makes the network and its task from the labels of a split. @throws OptionError, FileAccessError, FileFormatError */
export async function prepareWtal(
  runtime: Runtime,
  { model: config, training }: WtalRecipe,
  { data: given, from }: TrainingInputs,
): Promise<PreparedTraining> {
  const { batch, seed, steps, objective, augment, split = 'train' } = training;
  const network = new WtalNetwork(runtime, config, given.classes.length + 1);
  const file = (trained: Readonly<Record<string, unknown>>) => ({
    architecture: 'wtal' as const,
    model: config,
    classes: given.classes,
    training: trained,
  });
  const opened = new OpenedWtal({ file: file({}), network });
  const bags = bagsOf(await opened.judgedOn(given, split), split);
  const task = new WtalTask(network, bags, { batch, seed, steps, objective, augment });
  return {
    task,
    settings: { bags: bags.length },
    opened,
    warnings: [],
    ...(from !== undefined && {
      begin: async () => {
        const checkpoint = await openSafetensors(from);
        try {
          await network.load(checkpoint);
        } finally {
          await checkpoint.close();
        }
      },
    }),
    save: (folder, trained) => saveWtal(folder, network, file(trained)),
  };
}
