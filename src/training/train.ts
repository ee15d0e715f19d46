import {
  callback,
  checkArgument,
  checkFields,
  instanceOf,
  integer,
  numberIn,
  objectWith,
  optional,
  path as pathRule,
  positive,
  type Rule,
  type Rules,
  text,
} from '../arguments.js';
import { valueAndGrad } from '../autograd/value-and-grad.js';
import { fileAccessError, readBytes } from '../data/files/byte-source.js';
import { ensureFolder, writeWhole } from '../data/files/output-file.js';
import { HostRandom } from '../data/host-random.js';
import { FileAccessError, FileFormatError, NotFiniteError } from '../errors.js';
import { Module } from '../nn/module.js';
import { nodeModule } from '../node-module.js';
import { scaleShift } from '../ops/array/unary.js';
import { given } from '../tensor/given.js';
import type { Tensor } from '../tensor/tensor.js';
import { AdamW, type AdamWOptions, adamRules } from './adamw.js';
import type { LearningRate } from './learning-rate.js';
import { type Arrays, loadTrainingState, saveTrainingState } from './training-state.js';

/** What is trained, and on what. */
export interface TrainingTask {
  readonly model: Module;
  /** Numbers the examples; a run goes through all of them in a new random order in each epoch. */
  readonly examples: number;
  /** Examples of a step. */
  readonly batch: number;
  /** Writes the operands of a step, which must depend on the arguments only. */
  prepare(step: number, examples: readonly number[]): void;
  /** The loss of the operands, one element. Recorded once; every step replays it. */
  loss(): Tensor;
  /**
   * How many times larger gradients are on their way back, so that small ones are not lost where they are f16: a power of
   * two, default 1. What comes out is divided by it.
   */
  readonly gradientScale?: number;
}

export interface TrainingOptions extends AdamWOptions {
  readonly steps: number;
  readonly seed: number;
  readonly learningRate: LearningRate;
  /** Where the state and the log are; made if need be. */
  readonly folder: string;
  /** What the run was started with, as text: a state of other settings is refused. */
  readonly settings: string;
  /** Gives the model the weights that a new run begins with; default `initialize` with the seed. */
  readonly begin?: () => Promise<void>;
  /** Seconds between two states; default 60. */
  readonly saveEvery?: number;
  readonly onStep?: (progress: TrainingProgress) => void;
  /** Ends the run after the step at hand; its state is saved first. */
  readonly signal?: { readonly aborted: boolean };
}

export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Seconds that the step took. */
  readonly seconds: number;
}

const stateFile = 'state.safetensors';
const logFile = 'log.jsonl';
/** What `train` writes in the folder of a run. */
export const stateFiles = [stateFile, logFile];

const taskRule: Rule<TrainingTask> = objectWith<TrainingTask>({
  model: instanceOf(Module, 'a module'),
  examples: integer(1),
  batch: integer(1),
  prepare: callback,
  loss: callback,
  gradientScale: optional(positive),
});

const trainingRules: Rules<TrainingOptions> = {
  ...adamRules,
  steps: integer(1),
  seed: integer(0, 2 ** 32 - 1),
  learningRate: callback,
  folder: pathRule,
  settings: text,
  begin: optional(callback),
  saveEvery: optional(numberIn(0)),
  onStep: optional(callback),
  signal: optional(instanceOf(AbortSignal, 'an AbortSignal')),
};

/** So many steps without a finite loss end a run: it does not come back by itself. */
const hopeless = 20;

/**
 * Trains a model by AdamW, from the start or from where an earlier run in the folder stopped. A run is a function of its
 * settings and its seed: one that was killed and goes on ends with the same weights, bit for bit on the same device.
 *
 * The whole step, gradients and update included, is captured once and replayed. The folder holds `state.safetensors`
 * and `log.jsonl`, a line a step.
 *
 * @returns whether all steps are done; the model then has the averaged weights where averaging was asked for
 * @throws OptionError; NotFiniteError where the loss stays without a number
 * @throws FileAccessError where the folder or a file in it cannot be written
 * @throws FileFormatError where the state in the folder is damaged or of another run
 */
export async function train(task: TrainingTask, options: TrainingOptions): Promise<boolean> {
  checkArgument('train', 'task', task, taskRule);
  checkFields('train', options, trainingRules);
  const { join } = await nodeModule('node:path');
  const { folder, settings, steps, signal, saveEvery = 60 } = options;
  const { betas, eps, weightDecay, maxNorm, average } = options;
  const adamOptions = given({ betas, eps, weightDecay, maxNorm, average });
  await ensureFolder(folder, stateFiles);
  const { model } = task;
  const statePath = join(folder, stateFile);
  const state = await loadTrainingState(statePath, settings);
  if (state) restoreModel(model, state.arrays, statePath);
  else if (options.begin) await options.begin();
  else model.initialize(options.seed);
  model.train().seedRandom(options.seed);
  using optimizer = new AdamW(model.weights(), adamOptions);
  if (state) optimizer.restore(state.arrays, statePath);
  const log = await openLog(join(folder, logFile), state?.step ?? 0);
  const order = new ExampleOrder(task, options.seed);
  using step = await model.runtime.capture(() => {
    const { gradientScale = 1 } = task;
    const { value, gradients } = valueAndGrad(model.weights(), () => scaled(task.loss(), gradientScale));
    const names = Object.keys(gradients);
    optimizer.update(
      Object.fromEntries(names.map((name) => [name, scaled(gradients[name]!, 1 / gradientScale)])),
    );
    return scaled(value, 1 / gradientScale);
  });
  const save = async (done: number) => {
    const arrays = { ...prefixed('model.', await model.state()), ...(await optimizer.state()) };
    await saveTrainingState(statePath, { step: done, settings, arrays });
    await log.flush();
  };
  let done = state?.step ?? 0;
  try {
    let saved = performance.now();
    let lost = 0;
    while (done < steps && !signal?.aborted) {
      const began = performance.now();
      const learningRate = options.learningRate(done);
      task.prepare(done, order.of(done));
      model.seedRandom(options.seed, done);
      optimizer.prepare(done, learningRate);
      step.run();
      const [loss] = (await step.outputs.read()) as Float32Array;
      lost = Number.isFinite(loss) ? 0 : lost + 1;
      if (lost === hopeless) {
        throw new NotFiniteError(
          `the loss has been ${loss} for ${hopeless} steps: lower the learning rate, or look for NaN in the data`,
        );
      }
      done++;
      const seconds = (performance.now() - began) / 1000;
      log.write({ step: done, loss: loss!, learningRate, seconds });
      options.onStep?.({ step: done, steps, loss: loss!, learningRate, seconds });
      if (performance.now() - saved > 1000 * saveEvery) {
        await save(done);
        saved = performance.now();
      }
    }
    if (done > (state?.step ?? -1)) await save(done);
    if (done < steps) return false;
    optimizer.useAverage();
    model.train(false);
    return true;
  } finally {
    await log.close();
  }
}

/** Which examples a step has: a new order for each epoch, the last incomplete batch of an epoch going over into the next. */
class ExampleOrder {
  #epoch = -1;
  #order = new Uint32Array(0);

  constructor(
    readonly task: TrainingTask,
    readonly seed: number,
  ) {}

  of(step: number): number[] {
    const { examples, batch } = this.task;
    return Array.from({ length: batch }, (_, i) => {
      const place = step * batch + i;
      const epoch = Math.floor(place / examples);
      if (epoch !== this.#epoch) {
        this.#order = new HostRandom(this.seed, epoch).permutation(examples);
        this.#epoch = epoch;
      }
      return this.#order[place % examples]!;
    });
  }
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : scaleShift(x, factor, 0);
}

function prefixed(prefix: string, arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

function restoreModel(model: Module, arrays: Arrays, path: string): void {
  for (const [name, parameter] of model.parameters()) {
    const stored = arrays[`model.${name}`];
    if (!stored || stored.shape.join() !== parameter.shape.join()) {
      throw new FileFormatError(`${path} holds no ${name} of this model: delete it to start anew`);
    }
    parameter.set(stored.data);
  }
}

/** The log of a run, cut to the steps that its state has: those after it are done again. */
async function openLog(path: string, steps: number) {
  const { appendFile } = await nodeModule('node:fs/promises');
  // A log that is missing begins; one that is a FIFO keeps nothing.
  const before = await readBytes(path).catch((error) => {
    if (error instanceof FileAccessError) return new Uint8Array(0);
    throw error;
  });
  const kept = new TextDecoder().decode(before).split('\n').slice(0, steps).filter(Boolean);
  await writeWhole(path, kept.map((line) => `${line}\n`).join(''));
  let waiting = '';
  const flush = async () => {
    const text = waiting;
    waiting = '';
    if (!text) return;
    await appendFile(path, text).catch((cause) => {
      throw fileAccessError(path, cause, 'write');
    });
  };
  return {
    write(line: { step: number; loss: number; learningRate: number; seconds: number }) {
      waiting += `${JSON.stringify({ ...line, seconds: Number(line.seconds.toFixed(3)) })}\n`;
    },
    flush,
    close: flush,
  };
}
