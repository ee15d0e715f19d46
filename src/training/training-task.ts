import {
  callback,
  instanceOf,
  objectWith,
  optional,
  positive,
  type Rule,
  someOf,
  text,
} from '../arguments.js';
import { OptionError } from '../errors.js';
import { Module } from '../nn/module.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import type { BatchSampler } from './batch-samplers.js';

/** What a loss consists of, by name: f32 tensors of one element. The loss is their sum, so each has its weight in it. */
export type LossParts = Readonly<Record<string, Tensor>>;

/** A part of a step: one loss, and the weights that it changes. */
export interface Turn {
  readonly name: string;
  /**
   * The weights that the turn changes: names, or what names begin with up to a dot (`encoder` for `encoder.…`). Where several
   * turns name a weight, the longest name counts. A turn without them takes what no other turn names.
   */
  readonly weights?: readonly string[];
  /** Whether the turn is part of a step, a function of the step only; default: of every step. */
  runs?(step: number): boolean;
}

/** The examples of one replay. */
// biome-ignore lint/suspicious/noExplicitAny: only the task knows what it loads
export interface Batch<Loaded = any> {
  /** Counts the batches of a run, from 0 on: the step, or with gradient accumulation step × accumulate + micro-batch. */
  readonly index: number;
  readonly examples: readonly number[];
  /** Name of the turn that comes next. */
  readonly turn: string;
  /** What `load` gave for this batch. */
  readonly loaded: Loaded;
}

/** What is trained, and on what. */
// biome-ignore lint/suspicious/noExplicitAny: only the task knows what it loads
export interface TrainingTask<Loaded = any> {
  /** Holds all weights; what a run saves and restores. */
  readonly model: Module;
  /** Which examples each batch has. */
  readonly sampler: BatchSampler;
  /** The turns of a step, in their order. Default: one, of all weights. */
  readonly turns?: readonly Turn[];
  /**
   * Reads what a batch needs. It runs ahead, while the device works on the batch before, and at most two batches are held at a
   * time. It depends on its arguments only and writes nothing.
   */
  load?(index: number, examples: readonly number[]): Loaded | Promise<Loaded>;
  /**
   * Writes the operands of a batch. It is called before each replay: a task with several turns need not write again what it
   * has written for the batch. Depends on its argument only, and on what earlier replays wrote: it may read tensors.
   */
  prepare(batch: Batch<Loaded>): void | Promise<void>;
  /** The loss of the operands in a turn. Recorded once a turn; every step replays it. */
  loss(turn: string): LossParts;
  /**
   * How many times larger gradients are on their way back, so that small ones are not lost where they are f16: a power of
   * two, default 1. What comes out is divided by it.
   */
  readonly gradientScale?: number;
  /**
   * What the task remembers from step to step beside the weights, such as a bank of pseudo-labels: f32 tensors, which a run
   * saves and restores.
   */
  readonly memory?: Readonly<Record<string, Tensor>>;
}

const memoryTensor: Rule<Tensor> = {
  expected: 'an f32 tensor',
  accepts: (value): value is Tensor => anyTensor.accepts(value) && value.dtype === 'f32',
};

const turnRule = objectWith<Turn>({
  name: text,
  weights: optional(someOf(text)),
  runs: optional(callback),
});

export const taskRule: Rule<TrainingTask> = objectWith<TrainingTask>({
  model: instanceOf(Module, 'a module'),
  sampler: callback,
  turns: optional(someOf(turnRule)),
  load: optional(callback),
  prepare: callback,
  loss: callback,
  gradientScale: optional(positive),
  memory: optional({
    expected: 'an object, each value an f32 tensor',
    accepts: (value): value is Readonly<Record<string, Tensor>> =>
      typeof value === 'object' && value !== null && Object.values(value).every(memoryTensor.accepts),
  }),
});

/** The one turn of a task that names none. */
const wholeModel: Turn = { name: 'all' };

/** The turns of a task. @throws OptionError where two have one name */
export function turnsOf({ turns = [wholeModel] }: TrainingTask): readonly Turn[] {
  const names = turns.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new OptionError(`train: task.turns has two turns with the name ${twice}`);
  return turns;
}

/** Makes sure that a loss is one. @throws OptionError */
export function checkLossParts(turn: string, parts: unknown): asserts parts is LossParts {
  const where = `train: task.loss(${JSON.stringify(turn)})`;
  if (typeof parts !== 'object' || parts === null || anyTensor.accepts(parts) || Array.isArray(parts)) {
    throw new OptionError(`${where} must give an object of tensors by name, such as { crossEntropy }`);
  }
  const entries = Object.entries(parts);
  if (entries.length === 0) throw new OptionError(`${where} must give at least one part, not none`);
  for (const [name, part] of entries) {
    if (!anyTensor.accepts(part) || part.size !== 1 || part.dtype !== 'f32') {
      const found = anyTensor.accepts(part) ? String(part) : typeof part;
      throw new OptionError(`${where}: ${name} must be an f32 tensor of one element, not ${found}`);
    }
  }
}
