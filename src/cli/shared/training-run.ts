import { join } from 'node:path';
import type { Command } from 'commander';
import { type MomentQuery, readMomentQueries } from '../../data/annotations/moment-queries.js';
import { writeWhole } from '../../data/files/output-file.js';
import { openRecordings, type Recordings } from '../../data/formats/recordings.js';
import { wordsOf } from '../../data/text/words.js';
import { FileFormatError } from '../../errors.js';
import { type SentenceExample, WindowPrior } from '../../evaluation/window-prior.js';
import type { TrainingSettings } from '../../models/recipe.js';
import { given } from '../../tensor/given.js';
import { Runtime } from '../../tensor/runtime.js';
import { cosineLearningRate } from '../../training/learning-rate.js';
import { train } from '../../training/train.js';
import type { ValidationOptions } from '../../training/training-options.js';
import { stateFiles } from '../../training/training-run.js';
import type { TrainingTask } from '../../training/training-task.js';
import { positive, whole } from '../options/arguments.js';
import { Progress } from '../views/progress.js';
import { checkOutputFolder, type Paths } from './outputs.js';

/** What all trainings have in common. */
export interface RunOptions {
  readonly out: string;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** What a run reads, and the files of the finished model in its folder. */
export interface RunFiles {
  readonly inputs: Paths;
  readonly model: readonly string[];
}

/** Files of a model whose folder has its prior. */
export const modelFiles = ['config.json', 'model.safetensors', 'prior.json'];

/** What trainings without a recipe have of AdamW. */
export const ourOptimizer = { weightDecay: 0.01, maxNorm: 1 } as const;

export interface RunDefaults {
  readonly steps: number;
  readonly batch: number;
  /** Default 1e-3. */
  readonly learningRate?: number;
}

/** The options that every training command has. */
export function addRunOptions(command: Command, { steps, batch, learningRate = 1e-3 }: RunDefaults): Command {
  return command
    .requiredOption('--out <folder>', 'where the model goes; a run that was stopped there goes on')
    .option('--steps <n>', 'training steps', whole(1), steps)
    .option('--batch <n>', 'examples a step', whole(1), batch)
    .option('--learning-rate <x>', 'the highest; it falls along half a cosine', positive, learningRate)
    .option('--seed <n>', 'of initial weights, order, times and noise', whole(0), 1);
}

/** The recordings of a folder, and the queries of one split, all with an answer. @throws FileAccessError, FileFormatError */
export async function trainingQueries({
  data,
  split,
}: {
  readonly data: string;
  readonly split: string;
}): Promise<{ recordings: Recordings; queries: MomentQuery[] }> {
  const recordings = await openRecordings(data);
  const path = join(data, `queries-${split}.jsonl`);
  const queries = await readMomentQueries(path, recordings.byName);
  const blind = queries.find(({ windows }) => windows.length === 0);
  if (blind) throw new FileFormatError(`${path}: query ${blind.qid} has no relevant_windows to learn from`);
  return { recordings, queries };
}

export const sentencesOf = (queries: readonly MomentQuery[]): SentenceExample[] =>
  queries.map(({ query, windows }) => ({ words: wordsOf(query), windows }));

/** Writes what the words alone say beside a model, for its evaluation. */
export async function writePrior(folder: string, sentences: readonly SentenceExample[]): Promise<void> {
  await writeWhole(join(folder, 'prior.json'), `${JSON.stringify(WindowPrior.fit(sentences).guesses)}\n`);
}

/** How a run is validated: the options of `train`, where the model is that of the task. */
export interface RunValidation<Task> extends Omit<ValidationOptions, 'validate'> {
  validate(task: Task): Promise<Readonly<Record<string, number>>>;
}

/** What is trained, and what comes of it. */
export interface Run<Task> {
  /** All that the run depends on: one of other settings is not resumed. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly training: TrainingSettings;
  /** What is trained, on the device that is opened for it. */
  make(runtime: Runtime): Task | Promise<Task>;
  taskOf(made: Task): TrainingTask;
  /** Writes the finished model; `adapter` names the device. */
  save(made: Task, adapter: string): Promise<void>;
  /** Gives a new run its weights; default: at random. */
  begin?(made: Task): Promise<void>;
  readonly validation?: RunValidation<Task>;
}

/**
 * Trains, resumes or finishes a run under a progress bar, and writes the model's folder. A first interruption ends it
 * after the step at hand, a second one at once.
 * @param files checked before the training
 * @returns false where it was interrupted
 */
export async function runTraining<Task>(out: string, files: RunFiles, run: Run<Task>): Promise<boolean> {
  const { steps, seed, learningRate, weightDecay, maxNorm, accumulate, average = true } = run.training;
  await checkOutputFolder(out, [...stateFiles, ...files.model], files.inputs);
  const runtime = await Runtime.create();
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(130);
    console.error('\nstopping after this step; once more to stop at once');
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const progress = new Progress(steps, 'loss {loss} | {seconds} s a step', { loss: '-', seconds: '-' });
  try {
    const made = await run.make(runtime);
    const { validation, begin } = run;
    let smooth: number | undefined;
    const finished = await train(run.taskOf(made), {
      folder: out,
      settings: JSON.stringify(run.settings),
      steps,
      seed,
      learningRate: cosineLearningRate({
        peak: learningRate,
        steps,
        warmup: Math.min(Math.ceil(steps / 50), steps - 1),
      }),
      optimizer: { kind: 'adamw', weightDecay },
      ...given({ maxNorm, accumulate }),
      ...(average && { average: averageKeep(steps) }),
      signal: stop.signal,
      ...(begin && { begin: () => begin(made) }),
      ...(validation && { validation: { ...validation, validate: () => validation.validate(made) } }),
      onStep: ({ step, loss, seconds }) => {
        smooth = smooth === undefined ? loss : 0.95 * smooth + 0.05 * loss;
        progress.update(step, { loss: smooth.toFixed(4), seconds: seconds.toFixed(2) });
      },
      onValidation: ({ step, metrics, best }) => {
        const numbers = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(2)}`);
        console.error(`\nstep ${step}: ${numbers.join(', ')}${best ? ' (best)' : ''}`);
      },
    });
    progress.stop();
    if (!finished) {
      console.log(`stopped; the same command goes on from here`);
      process.exitCode = 130;
      return false;
    }
    await run.save(made, runtime.traits.description);
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
