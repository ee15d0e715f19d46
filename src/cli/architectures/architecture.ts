import type { PlainRecord } from '../../data/formats/pytorch/state-dict.js';
import type { StoredTensor } from '../../data/formats/safetensors-header.js';

/** The tensors of a checkpoint, under our names. */
export interface NamedTensors {
  /** What messages call the checkpoint. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Those that the model was trained with, under the names of its authors, where they are known. */
  readonly settings?: PlainRecord;
}

/** What a converted checkpoint becomes. */
export interface Conversion {
  /** The shape of each tensor that the model has, by our name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The content of `config.json`, given the names of the classes, if the architecture has some. */
  config(classes: readonly string[]): Readonly<Record<string, unknown>>;
  /** How many classes there are, the background as the last; absent where there are none. */
  readonly classes?: number;
  /** What is to be done before the folder can be used; shown at the end. */
  readonly note: string;
}

/** A network whose authors' checkpoints are converted. */
export interface Architecture {
  /** As `--architecture` takes it. */
  readonly name: string;
  /** The paper's name, and the data set where that matters. */
  readonly title: string;
  /** Whether the authors' names of some tensors say that a checkpoint is of this network. */
  recognizes(names: ReadonlySet<string>): boolean;
  /**
   * The authors' names of tensors and ours, as for `String.replace`; the first that matches counts. Undefined: a tensor that
   * the model does not need. A name that none matches stays.
   */
  readonly renames: readonly (readonly [author: RegExp, ours: string | undefined])[];
  /** @throws FileFormatError where the shapes cannot be those of this network */
  conversion(file: NamedTensors): Conversion;
}
