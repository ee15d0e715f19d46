import { join } from 'node:path';
import { writeWhole } from '../../data/files/output-file.js';
import { type SentenceExample, WindowPrior } from '../../evaluation/window-prior.js';
import type { TrainingSettings } from '../../models/recipe.js';
import { given } from '../../tensor/given.js';
import { Runtime } from '../../tensor/runtime.js';
import { cosineLearningRate } from '../../training/learning-rate.js';
import { train } from '../../training/train.js';
import type { ValidationOptions } from '../../training/training-options.js';
import { stateFiles } from '../../training/training-run.js';
import type { TrainingTask } from '../../training/training-task.js';
import type { ParameterGroup } from '../../training/update-groups.js';
import { Progress } from '../views/progress.js';
import { ExitStatus, interrupted } from './exit-status.js';
import { checkOutputFolder, type Paths } from './outputs.js';

/** What a run reads, and the files of the finished model in its folder. */
export interface RunFiles {
  readonly inputs: Paths;
  readonly model: readonly string[];
}

/** Files of a model whose folder has its prior. */
export const modelFiles = ['config.json', 'model.safetensors', 'prior.json'];

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
  settings(made: Task): Readonly<Record<string, unknown>>;
  readonly training: TrainingSettings;
  /** What is trained, on the device that is opened for it. */
  make(runtime: Runtime): Task | Promise<Task>;
  taskOf(made: Task): TrainingTask;
  /** Writes the finished model; `adapter` names the device. */
  save(made: Task, adapter: string): Promise<void>;
  /** What gives a new run its weights; without it they are drawn at random. */
  beginOf?(made: Task): (() => Promise<void>) | undefined;
  /** Groups of weights with an optimizer or a rate of their own. */
  groupsOf?(made: Task): readonly ParameterGroup[] | undefined;
  readonly validation?: RunValidation<Task>;
}

/**
 * Trains, resumes or finishes a run under a progress bar, and writes the model's folder. A first interruption ends it
 * after the step at hand, a second one at once.
 * @param files checked before the training
 * @throws ExitStatus where it was interrupted
 */
export async function runTraining<Task>(out: string, files: RunFiles, run: Run<Task>): Promise<void> {
  const { steps, seed, learningRate, weightDecay, maxNorm, accumulate, average = true } = run.training;
  await checkOutputFolder(out, [...stateFiles, ...files.model], files.inputs);
  const runtime = await Runtime.create();
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(interrupted);
    console.error('\nstopping after this step; once more to stop at once');
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const progress = new Progress(steps, 'loss {loss} | {seconds} s a step', { loss: '-', seconds: '-' });
  try {
    const made = await run.make(runtime);
    const { validation } = run;
    const begin = run.beginOf?.(made);
    const groups = run.groupsOf?.(made);
    let smooth: number | undefined;
    const finished = await train(run.taskOf(made), {
      folder: out,
      settings: JSON.stringify(run.settings(made)),
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
      ...(begin && { begin }),
      ...(groups && { groups }),
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
      throw new ExitStatus(interrupted);
    }
    await run.save(made, runtime.traits.description);
    console.log(`model written to ${out}`);
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
