import type { Abortable } from '../abort.js';
import type { FolderSource } from '../data/files/source-folder.js';
import type { WordVectors } from '../data/text/words.js';
import type { VideoDataset } from '../datasets/video-dataset.js';
import type { WeightStorage } from '../nn/weight-storage.js';
import type { Runtime } from '../tensor/runtime.js';
import type { TrainingTask } from '../training/training-task.js';
import type { ParameterGroup } from '../training/update-groups.js';
import type { LocalizationModel } from './localization-model.js';
import type { Recipe } from './recipe.js';

/** How a model is opened. */
export interface LoadModelOptions extends Abortable {
  /** How the weights are stored on the device, where the architecture has a choice; default f32. */
  readonly dtype?: WeightStorage;
  /** Called as the weights are read, with bytes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Word vectors for a model whose sentences are embedded by a table. */
export interface TrainingWords {
  readonly table: WordVectors;
  /** Where they are, so that the model's folder can name the file; without it the folder gets the words of the data set. */
  readonly file?: string;
}

/** What a model is trained with. */
export interface TrainingInputs {
  readonly data: VideoDataset;
  readonly words: TrainingWords;
  /** Folder of a model of the same architecture, to begin with its weights. */
  readonly from?: string;
}

/** A model that is about to be trained. The task owns the model. */
export interface PreparedTraining {
  readonly task: TrainingTask & Disposable;
  /** What the run depends on beside the recipe, such as how many examples there are; as JSON. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The model as it is at the time, to be validated. */
  readonly opened: LocalizationModel;
  /** What the user should know and what does not end the work. */
  readonly warnings: readonly string[];
  /** Groups of weights with an optimizer or a rate of their own. */
  readonly groups?: readonly ParameterGroup[];
  /** Gives a new run its weights; default: they are drawn at random. */
  readonly begin?: () => Promise<void>;
  /**
   * Writes the finished model.
   * @param training how it was trained, for the reader of `config.json`
   * @throws FileAccessError
   */
  save(folder: string, training: Readonly<Record<string, unknown>>): Promise<void>;
}

/** What the package knows of an architecture; `registry.ts` lists them all. */
export interface ModelSpec {
  /** Opens a folder whose `config.json` names this architecture. */
  open(runtime: Runtime, source: FolderSource, options: LoadModelOptions): Promise<LocalizationModel>;
  /** What can be trained, by name; empty where nothing can be. */
  readonly recipes: Readonly<Record<string, Recipe>>;
  /** @throws OptionError that names the field */
  checkRecipe(recipe: Recipe): void;
  /**
   * Makes the model of a recipe and the task that trains it.
   * @throws OptionError where the data set is not what the model takes
   */
  prepare(runtime: Runtime, recipe: Recipe, inputs: TrainingInputs): Promise<PreparedTraining>;
}
