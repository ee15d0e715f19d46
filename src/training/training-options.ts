import { type AbortSignalLike, abortRules } from '../abort.js';
import {
  callback,
  flag,
  integer,
  listOf,
  numberIn,
  onlyFields,
  optional,
  path as pathRule,
  type Rule,
  type Rules,
  someOf,
  text,
  uint32,
} from '../arguments.js';
import { adamRules } from './adamw.js';
import { type BestOptions, bestRule } from './best-weights.js';
import { optimizerRule } from './optimizers.js';
import type { ParameterGroup, UpdateOptions } from './update-groups.js';

/** How a model is measured while it is trained. */
export interface ValidationOptions {
  /** Steps from one validation to the next; the last step has one too. */
  readonly every: number;
  /**
   * Measures the model, which is in inference and has the averaged weights where averaging is on. It may use the device, and
   * leaves the weights as they are.
   * @returns numbers by name; NaN where there is none
   */
  validate(step: number): Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;
  /** Keeps the weights of the best validation in `best.safetensors`, the averaged ones where averaging is on. */
  readonly best?: BestOptions;
  /** Ends the run with the best weights in the model, not the last ones; needs `best`. Default: false. */
  readonly endWithBest?: boolean;
}

export interface TrainingOptions extends UpdateOptions {
  readonly steps: number;
  readonly seed: number;
  /** Where the state and the log are; made if need be. */
  readonly folder: string;
  /** What the run was started with, as text: a state of other settings is refused. */
  readonly settings: string;
  /** Gives the model the weights that a new run begins with; default `initialize` with the seed. */
  readonly begin?: () => Promise<void>;
  /** Batches of a step, whose gradients are averaged; default 1. For losses that are means it is a batch so many times larger. */
  readonly accumulate?: number;
  readonly validation?: ValidationOptions;
  /** Seconds between two states; default 60. */
  readonly saveEvery?: number;
  readonly onStep?: (progress: TrainingProgress) => void;
  readonly onValidation?: (result: ValidationResult) => void;
  /** Ends the run after the step at hand; its state is saved first. */
  readonly signal?: AbortSignalLike;
}

export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** The sum of the parts of the loss in all turns of the step, the mean over its batches. */
  readonly loss: number;
  /** The parts; with several turns their names are `turn.part`. */
  readonly parts: Readonly<Record<string, number>>;
  /** Of each group of weights that was updated; of those without a group as `default`. */
  readonly learningRates: Readonly<Record<string, number>>;
  /** Seconds that the step took. */
  readonly seconds: number;
}

export interface ValidationResult {
  /** Steps done. */
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Whether it is the best so far; false where nothing tells. */
  readonly best: boolean;
}

const groupRule: Rule<ParameterGroup> = onlyFields<ParameterGroup>({
  name: text,
  weights: someOf(text),
  optimizer: optional(optimizerRule),
  learningRate: optional(callback),
});

const validationRule: Rule<ValidationOptions> = onlyFields<ValidationOptions>({
  every: integer(1),
  validate: callback,
  best: optional(bestRule),
  endWithBest: optional(flag),
});

export const trainingRules: Rules<TrainingOptions> = {
  optimizer: optional(optimizerRule),
  learningRate: callback,
  groups: optional(listOf(groupRule)),
  frozen: optional(listOf(text)),
  maxNorm: adamRules.maxNorm,
  average: adamRules.average,
  steps: integer(1),
  seed: uint32,
  folder: pathRule,
  settings: text,
  begin: optional(callback),
  accumulate: optional(integer(1)),
  validation: optional(validationRule),
  saveEvery: optional(numberIn(0)),
  onStep: optional(callback),
  onValidation: optional(callback),
  ...abortRules,
};
