import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { ensureWritable, writeWhole } from '../data/detection-json.js';
import { readMomentQueries } from '../data/moment-queries.js';
import { openRecordings } from '../data/recordings.js';
import { loadWordVectors, wordsOf } from '../data/words.js';
import { worldSeed, worldVideo } from '../data/world/world.js';
import { FileFormatError, OptionError } from '../errors.js';
import { type SentenceExample, WindowPrior } from '../evaluation/window-prior.js';
import type { MapDiffusionConfig } from '../models/map-diffusion/config.js';
import { mapDiffusionConfigs } from '../models/map-diffusion/config.js';
import type { MomentExamples } from '../models/map-diffusion/examples.js';
import { MapDiffusion } from '../models/map-diffusion/model.js';
import { saveMapDiffusion } from '../models/map-diffusion/model-folder.js';
import { RecordingExamples } from '../models/map-diffusion/recording-examples.js';
import { WorldExamples } from '../models/map-diffusion/world-examples.js';
import { Runtime } from '../tensor/runtime.js';
import { cosineLearningRate } from '../training/learning-rate.js';
import { MomentTask } from '../training/moment-task.js';
import { train } from '../training/train.js';
import { type Ablation, ablated, ablations } from './ablations.js';
import { positive, whole } from './arguments.js';
import { Progress } from './progress.js';

/** What all trainings of moment models have in common. */
export interface TrainOptions {
  readonly out: string;
  readonly words: string;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly ablation: readonly Ablation[];
}

/** The word vectors of this package. */
export const ownWords = fileURLToPath(
  new URL('../../../checkpoints/words/glove-100d.safetensors', import.meta.url),
);

/** The options that every training command has. */
export function addTrainingOptions(
  command: Command,
  defaults: { readonly steps: number; readonly batch: number },
): Command {
  return command
    .requiredOption('--out <folder>', 'where the model goes; a run that was stopped there goes on')
    .option('--steps <n>', 'training steps', whole(1), defaults.steps)
    .option('--batch <n>', 'videos a step', whole(1), defaults.batch)
    .option('--learning-rate <x>', 'the highest; it falls along half a cosine', positive, 1e-3)
    .option('--seed <n>', 'of initial weights, order, times and noise', whole(0), 1)
    .option('--words <file>', 'word vectors, as loadWordVectors reads them', ownWords);
}

/** Parts of the model to change, by name. */
const ablationOption = () =>
  new Option('--ablation <name...>', 'change one part of the model')
    .choices(Object.keys(ablations))
    .default([]);

/** `tal train`: trains a model of ours. */
export function addTrain(program: Command): Command {
  const command = program.command('train').description('Train a map-diffusion model; interrupt it at will');
  addTrainingOptions(
    command
      .command('recordings')
      .description('On queries about excerpts of recorded signals (the folder format of `hapt`)')
      .requiredOption('--data <folder>', 'NAME.json, NAME_i16.bin and queries-SPLIT.jsonl')
      .option('--split <name>', 'which queries', 'train')
      .addOption(ablationOption()),
    { steps: 1000, batch: 32 },
  ).action(async (options) => void (await trainRecordings(options)));
  addTrainingOptions(
    command
      .command('world')
      .description('On videos of the built-in world, rendered as they are needed')
      .option('--queries <n>', 'queries of each video', whole(1), 2)
      .addOption(ablationOption()),
    { steps: 1500, batch: 16 },
  ).action(trainWorld);
  return command;
}

/** @returns whether the training is done; false where it was interrupted */
export async function trainRecordings(
  options: TrainOptions & { readonly data: string; readonly split: string },
): Promise<boolean> {
  const recordings = await openRecordings(options.data);
  const path = join(options.data, `queries-${options.split}.jsonl`);
  const queries = await readMomentQueries(path, recordings.byName);
  const blind = queries.find(({ windows }) => windows.length === 0);
  if (blind) throw new FileFormatError(`${path}: query ${blind.qid} has no relevant_windows to learn from`);
  const table = await loadWordVectors(options.words);
  const config = ablated(mapDiffusionConfigs.hapt, options.ablation);
  if (config.recognition && recordings.classes.length > config.recognition.kinds) {
    throw new OptionError(
      `the model recognizes ${config.recognition.kinds} classes, ${options.data} has ` +
        `${recordings.classes.length}: train with --ablation no-recognition`,
    );
  }
  const data = new RecordingExamples(config, recordings, queries, table);
  if (data.unknownWords.length > 0) {
    console.error(`words without a vector: ${data.unknownWords.join(', ')}`);
  }
  const sentences = queries.map(({ query, windows }) => ({ words: wordsOf(query), windows }));
  return trainMoments(config, data, sentences, options);
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
  await mkdir(out, { recursive: true });
  await ensureWritable(join(out, 'config.json'));
  const runtime = await Runtime.create();
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(130);
    console.error('\nstopping after this step; once more to stop at once');
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const settings = { model: config, steps, batch, seed, learningRate, examples: data.size };
  const progress = new Progress(steps, 'loss {loss} | {seconds} s a step');
  try {
    const model = new MapDiffusion(runtime, config);
    let smooth: number | undefined;
    const finished = await train(new MomentTask(model, data, batch, seed), {
      folder: out,
      settings: JSON.stringify(settings),
      steps,
      seed,
      learningRate: cosineLearningRate({ peak: learningRate, steps, warmup: Math.ceil(steps / 50) }),
      weightDecay: 0.01,
      maxNorm: 1,
      average: averageKeep(steps),
      signal: stop.signal,
      onStep: ({ step, loss, seconds }) => {
        smooth = smooth === undefined ? loss : 0.95 * smooth + 0.05 * loss;
        progress.update(step, { loss: smooth.toFixed(4), seconds: seconds.toFixed(2) });
      },
    });
    progress.stop();
    if (!finished) {
      console.log(`stopped; the same command goes on from here`);
      process.exitCode = 130;
      return false;
    }
    const { model: _, ...training } = settings;
    await saveMapDiffusion(out, model, {
      kind: 'map-diffusion',
      model: config,
      words: relative(out, options.words),
      steps: 1,
      training: { ...training, adapter: runtime.traits.description },
    });
    await writeWhole(join(out, 'prior.json'), `${JSON.stringify(WindowPrior.fit(sentences).guesses)}\n`);
    console.log(`model written to ${out}`);
    return true;
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    runtime.destroy();
  }
}

/** An average over about the last twentieth of the steps. */
function averageKeep(steps: number): number {
  return Math.max(0, 1 - 20 / Math.max(40, steps));
}
