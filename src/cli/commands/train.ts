import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { loadWordVectors, wordsOf } from '../../data/text/words.js';
import { worldSeed, worldVideo } from '../../data/world/world.js';
import { OptionError } from '../../errors.js';
import type { SentenceExample } from '../../evaluation/window-prior.js';
import type { MapDiffusionConfig } from '../../models/map-diffusion/config.js';
import { mapDiffusionConfigs } from '../../models/map-diffusion/config.js';
import type { MomentExamples } from '../../models/map-diffusion/examples.js';
import { MapDiffusion } from '../../models/map-diffusion/model.js';
import { saveMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { RecordingExamples } from '../../models/map-diffusion/recording-examples.js';
import { MomentTask } from '../../models/map-diffusion/task.js';
import { WorldExamples } from '../../models/map-diffusion/world-examples.js';
import { whole } from '../options/arguments.js';
import { type Ablation, ablated, ablations } from '../shared/ablations.js';
import {
  addRunOptions,
  modelFiles,
  type RunDefaults,
  type RunOptions,
  runTraining,
  sentencesOf,
  trainingQueries,
  writePrior,
} from '../shared/training-run.js';
import { addTrainLora } from './train-lora.js';
import { addTrainMdvlm } from './train-mdvlm.js';

/** What all trainings of moment models have in common. */
export interface TrainOptions extends RunOptions {
  readonly data?: string;
  readonly words: string;
  readonly ablation: readonly Ablation[];
}

/** The word vectors of this package. */
export const ownWords = fileURLToPath(
  new URL('../../../../checkpoints/words/glove-100d.safetensors', import.meta.url),
);

/** The options that every training of moment models has. */
export function addTrainingOptions(command: Command, defaults: RunDefaults): Command {
  return addRunOptions(command, defaults).option(
    '--words <file>',
    'word vectors, as loadWordVectors reads them',
    ownWords,
  );
}

/** Parts of the model to change, by name. */
const ablationOption = () =>
  new Option('--ablation <name...>', 'change one part of the model')
    .choices(Object.keys(ablations))
    .default([]);

/** `tal train`: trains a model of ours. */
export function addTrain(program: Command): Command {
  const command = program.command('train').description('Train a model; interrupt it at will');
  addTrainingOptions(
    command
      .command('recordings')
      .description('On queries about excerpts of recorded signals (the folder format of `hapt`)')
      .requiredOption('--data <folder>', 'NAME.json, NAME_i16.bin and queries-SPLIT.jsonl')
      .option('--split <name>', 'which queries', 'train')
      .addOption(ablationOption()),
    { steps: 1600, batch: 32 },
  ).action(async (options) => void (await trainRecordings(options)));
  addTrainingOptions(
    command
      .command('world')
      .description('On videos of the built-in world, rendered as they are needed')
      .option('--queries <n>', 'queries of each video', whole(1), 2)
      .addOption(ablationOption()),
    { steps: 1500, batch: 16 },
  ).action(trainWorld);
  addTrainMdvlm(command);
  addTrainLora(command);
  return command;
}

/** @returns whether the training is done; false where it was interrupted */
export async function trainRecordings(
  options: TrainOptions & { readonly data: string; readonly split: string },
): Promise<boolean> {
  const { recordings, queries } = await trainingQueries(options);
  const table = await loadWordVectors(options.words);
  const config = ablated(mapDiffusionConfigs.hapt, options.ablation);
  if (config.recognition && recordings.classes.length > config.recognition.classes) {
    throw new OptionError(
      `the model recognizes ${config.recognition.classes} classes, ${options.data} has ` +
        `${recordings.classes.length}: train with --ablation no-recognition`,
    );
  }
  const data = new RecordingExamples(config, recordings, queries, table);
  if (data.unknownWords.length > 0) {
    console.error(`words without a vector: ${data.unknownWords.join(', ')}`);
  }
  return trainMoments(config, data, sentencesOf(queries), options);
}

async function trainWorld(options: TrainOptions & { readonly queries: number }): Promise<void> {
  const table = await loadWordVectors(options.words);
  const config = ablated(mapDiffusionConfigs.world, options.ablation);
  // Each video is seen once.
  const data = new WorldExamples(config, 'train', options.steps * options.batch, options.queries, table);
  const sentences = Array.from({ length: 300 }, (_, i) => worldVideo(worldSeed('train', i)).queries).flatMap(
    (queries) => queries.map(({ query, span }) => ({ words: wordsOf(query), windows: [span] })),
  );
  await trainMoments(config, data, sentences, options);
}

/** Trains, resumes or finishes a run, and writes the model's folder. @returns false where it was interrupted */
export async function trainMoments(
  config: MapDiffusionConfig,
  data: MomentExamples,
  sentences: readonly SentenceExample[],
  options: TrainOptions,
): Promise<boolean> {
  const { out, steps, batch, seed, learningRate } = options;
  const settings = { model: config, steps, batch, seed, learningRate, examples: data.size };
  return runTraining(
    options,
    { inputs: { '--data': options.data, '--words': options.words }, model: modelFiles },
    settings,
    (runtime) => new MomentTask(new MapDiffusion(runtime, config), data, batch, seed),
    async ({ model }, adapter) => {
      const { model: _, ...training } = settings;
      await saveMapDiffusion(out, model, {
        architecture: 'map-diffusion',
        model: config,
        words: relative(out, options.words),
        steps: 1,
        training: { ...training, adapter },
      });
      await writePrior(out, sentences);
    },
  );
}
