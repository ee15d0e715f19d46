import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { loadWordVectors, wordsOf } from '../../data/text/words.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { SentenceExample } from '../../evaluation/window-prior.js';
import { evaluatePredictions } from '../../models/common/evaluate-predictions.js';
import type { MapDiffusionConfig } from '../../models/map-diffusion/config.js';
import type { PreparedTraining, TrainingWords } from '../../models/model-spec.js';
import type { Recipe } from '../../models/recipe.js';
import { given } from '../../tensor/given.js';
import { positive, repeated, whole } from '../options/arguments.js';
import { type Ablation, ablated, ablations } from '../shared/ablations.js';
import { dataFolder, datasetOf, queriesOf } from '../shared/datasets.js';
import { applySettings, type FoundRecipe, findRecipe, recipeNameOn } from '../shared/recipes.js';
import { modelFiles, runTraining, writePrior } from '../shared/training-run.js';
import { addTrainLora } from './train-lora.js';

/** What options change of a recipe. */
export interface RecipeChanges {
  readonly set: readonly string[];
  readonly ablation?: readonly Ablation[];
  readonly steps?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly seed?: number;
}

/** Where a training reads and writes. */
export interface TrainPlaces {
  readonly out: string;
  /** Where the data set comes from, which nothing may be written over. */
  readonly data?: string;
  readonly words?: string;
  readonly from?: string;
}

/** What the trainings of all architectures have in common. */
export interface TrainOptions extends RecipeChanges, TrainPlaces {
  readonly data: string;
}

/** The word vectors of this package. */
export const ownWords = fileURLToPath(
  new URL('../../../../checkpoints/words/glove-100d.safetensors', import.meta.url),
);

/** `tal train`: trains a model on a data set. */
export function addTrain(program: Command): Command {
  const command = program.command('train').description('Train a model; interrupt it at will');
  // Without anything there is no recipe to miss.
  command.hook('preSubcommand', (train) => void (train.args.length === 0 && train.help()));
  addTrainingOptions(
    command
      .command('recipe', { isDefault: true })
      .description('A model on a data set; the word recipe may be left out')
      .argument(
        '<name>',
        'such as hapt, cg-detr or hapt-mdvlm-tiny, or a .json file (a wrong name lists all); NAME-DATASET where there is one',
      ),
  )
    .requiredOption('--out <folder>', 'where the model goes; a run that was stopped there goes on')
    .option('--from <folder>', 'begin with the weights of this model')
    .addOption(
      new Option('--ablation <name...>', 'change one part of a map-diffusion model')
        .choices(Object.keys(ablations))
        .default([]),
    )
    .action(async (name: string, options: TrainOptions) => void (await trainRecipe(name, options)));
  addTrainLora(command);
  return command;
}

/** The options of all trainings. */
export function addTrainingOptions(command: Command): Command {
  return command
    .requiredOption('--data <dataset>', 'a folder (see the guide on data sets), or world, the built-in one')
    .option('--words <file>', 'word vectors (default: those of the data set, or GloVe of this package)')
    .option(
      '--set <path=value>',
      'change a number of the recipe, such as training.maxNorm=0.1; repeat it',
      repeated,
      [],
    )
    .option('--steps <n>', 'as --set training.steps=n', whole(1))
    .option('--batch <n>', 'as --set training.batch=n', whole(1))
    .option('--learning-rate <x>', 'as --set training.learningRate=x', positive)
    .option('--seed <n>', 'as --set training.seed=n', whole(0));
}

/** @throws ExitStatus where it was interrupted */
export async function trainRecipe(name: string, options: TrainOptions): Promise<void> {
  // What is wrong with a name is told before a data set is read.
  await findRecipe(name);
  const data = await datasetOf(options.data);
  try {
    const own = await recipeNameOn(name, data.name);
    if (own !== name) console.error(`recipe ${own}`);
    await trainOn(data, await recipeFor(own, options), options);
  } finally {
    await data.close();
  }
}

/** The recipe of a name, or of a file, with what the options change. @throws OptionError, FileAccessError, FileFormatError */
export async function recipeFor(name: string, options: RecipeChanges): Promise<FoundRecipe> {
  const found = changed(await findRecipe(name), options);
  found.spec.checkRecipe(found.recipe);
  return found;
}

/** Trains on a data set that is open. @throws ExitStatus where it was interrupted */
export async function trainOn(
  data: VideoDataset,
  { spec, recipe }: FoundRecipe,
  { out, from, words: file, data: folder }: TrainPlaces,
): Promise<void> {
  const words = await wordsFor(data, file);
  const inputs = { '--data': folder && dataFolder(folder), '--words': file, '--from': from };
  const measured = validation(recipe, data);
  await runTraining(
    out,
    { inputs, model: modelFiles },
    {
      settings: (prepared) => ({ recipe, data: data.name, from, ...prepared.settings }),
      training: recipe.training,
      make: async (runtime) => {
        const prepared = await spec.prepare(runtime, recipe, { data, words, ...given({ from }) });
        for (const warning of prepared.warnings) console.error(warning);
        return prepared;
      },
      taskOf: ({ task }) => task,
      save: async (prepared, adapter) => {
        await prepared.save(out, {
          ...recipe.training,
          ...prepared.settings,
          data: data.name,
          adapter,
        });
        const sentences = sentencesOf(data, recipe.training.split ?? 'train');
        if (prepared.opened.finds.includes('moments') && sentences.length > 0)
          await writePrior(out, sentences);
      },
      beginOf: ({ begin }) => begin,
      groupsOf: ({ groups }) => groups,
      ...(measured && { validation: measured }),
    },
  );
}

/** The recipe with what the options change. @throws OptionError */
function changed({ spec, recipe }: FoundRecipe, options: RecipeChanges): FoundRecipe {
  const { set, ablation = [], steps, batch, learningRate, seed } = options;
  for (const setting of set) {
    if (!/^(model|training)\./.test(setting))
      throw new OptionError(
        `--set takes a path that begins with model or training, such as training.steps=100, not ${JSON.stringify(setting)}`,
      );
  }
  const model = ablation.length > 0 ? ablated(recipe.model as MapDiffusionConfig, ablation) : recipe.model;
  const shortcuts = Object.entries({ steps, batch, learningRate, seed }).flatMap(([field, value]) =>
    value === undefined ? [] : [`training.${field}=${value}`],
  );
  return { spec, recipe: applySettings({ ...recipe, model }, [...shortcuts, ...set]) };
}

async function wordsFor(data: VideoDataset, file: string | undefined): Promise<TrainingWords> {
  if (file === undefined && data.words) return { table: await data.words() };
  const path = file ?? ownWords;
  return { table: await loadWordVectors(path), file: path };
}

/** Measures the model of a training on its validation split. */
function validation(recipe: Recipe, data: VideoDataset) {
  const { validateEvery, validationSplit = 'validation', best } = recipe.training;
  if (validateEvery === undefined) return undefined;
  // A split that is not there is told before the training.
  data.items(validationSplit);
  return {
    every: validateEvery,
    ...(best !== undefined && { best: { metric: best, better: 'higher' as const }, endWithBest: true }),
    validate: async ({ opened }: PreparedTraining) => {
      const judged = await opened.judgedOn(data, validationSplit);
      const predictions = await opened.predict(judged, validationSplit);
      return evaluatePredictions(judged, validationSplit, predictions).metrics;
    },
  };
}

/** The queries of a split with known moments, from which the prior of the words alone is made. */
function sentencesOf(data: VideoDataset, split: string): SentenceExample[] {
  return queriesOf(data, split).flatMap(({ text, windows }) =>
    windows.length === 0 ? [] : [{ words: wordsOf(text), windows }],
  );
}
