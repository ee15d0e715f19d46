import {
  flag,
  integer,
  numberIn,
  objectWith,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  text,
} from '../arguments.js';

/** How a model is trained, whatever its architecture. */
export interface TrainingSettings {
  readonly steps: number;
  /** Examples of a batch. */
  readonly batch: number;
  /** Batches of a step; default 1. */
  readonly accumulate?: number;
  /** Of AdamW, the highest: it rises over the first fiftieth of the steps and falls along half a cosine. */
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Gradients are cut to this norm; default: they are not. */
  readonly maxNorm?: number;
  /** Ends with the weights averaged over about the last twentieth of the steps; default true. */
  readonly average?: boolean;
  /** Of initial weights, order of the examples, dropout and noise. */
  readonly seed: number;
  /** The split that is trained on; default `train`. */
  readonly split?: string;
  /** Validates every so many steps, and ends with the weights that `best` says; default: no validation. */
  readonly validateEvery?: number;
  /** The split that is validated on; default `validation`. */
  readonly validationSplit?: string;
  /** The metric by which the best weights are kept, such as `R1@0.7`; default: the last ones are kept. */
  readonly best?: string;
}

export const trainingSettingRules: Rules<TrainingSettings> = {
  steps: integer(1),
  batch: integer(1),
  accumulate: optional(integer(1)),
  learningRate: positive,
  weightDecay: numberIn(0),
  maxNorm: optional(positive),
  average: optional(flag),
  seed: integer(0, 2 ** 32 - 1),
  split: optional(text),
  validateEvery: optional(integer(1)),
  validationSplit: optional(text),
  best: optional(text),
};

/** What `tal train` is given: a model and how it is trained. Every number of it can be set (`--set training.steps=100`). */
export interface Recipe<Model = unknown, Training extends TrainingSettings = TrainingSettings> {
  readonly architecture: string;
  readonly model: Model;
  readonly training: Training;
}

/** The rule of a recipe whose model and training have these fields. */
export function recipeRule<Model extends object, Training extends TrainingSettings>(
  model: Rules<Model>,
  training: Rules<Training>,
): Rule<Recipe<Model, Training>> {
  return objectWith<Recipe<Model, Training>>({
    architecture: text,
    model: onlyFields(model),
    training: onlyFields(training),
  });
}
