import {
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  object,
  oneOf,
  onlyFields,
  optional,
  path as pathRule,
  type Rules,
  someOf,
  text,
} from '../../arguments.js';
import {
  type FolderSource,
  folderSourceRule,
  openFolder,
  readJsonIn,
} from '../../data/files/source-folder.js';
import { checkedFile } from '../../data/formats/json-record.js';
import { openSafetensorsIn } from '../../data/formats/safetensors.js';
import { loadWordVectorsIn, type WordVectors } from '../../data/text/words.js';
import { type Calibration, calibrationRules } from '../../evaluation/calibration.js';
import { type ModelFolderOptions, modelFolderRules } from '../../nn/load-weights.js';
import { loaded } from '../../nn/module.js';
import { saveModel } from '../../nn/save-model.js';
import { given } from '../../tensor/given.js';
import type { Runtime } from '../../tensor/runtime.js';
import { anyRuntime } from '../../tensor/runtime.js';
import { configOf } from '../common/architecture.js';
import { checkConfig, configRules, type MapDiffusionConfig } from './config.js';
import { MapDiffusion } from './model.js';
import { withClasses } from './recognition.js';

/** What `config.json` of a model folder says. */
export interface MapDiffusionFile {
  readonly architecture: 'map-diffusion';
  readonly model: MapDiffusionConfig;
  /** Path of the word vectors that it was trained with, from the folder. */
  readonly words: string;
  /** DDIM steps that it is meant to be sampled with. */
  readonly steps: number;
  /** Classes that it was trained to find by their names (`training.sentences`); it finds the actions of these then. */
  readonly labels?: readonly string[];
  /** How it was trained, for the reader. */
  readonly training: Readonly<Record<string, unknown>>;
  /** How high it scores false sentences, where that was measured (`tal calibrate`). */
  readonly calibration?: Calibration;
}

export interface LoadedMapDiffusion {
  readonly file: MapDiffusionFile;
  readonly model: MapDiffusion;
  readonly words: WordVectors;
}

const fileRules: Rules<MapDiffusionFile> = {
  architecture: oneOf('map-diffusion'),
  model: onlyFields(configRules),
  words: text,
  steps: integer(1),
  labels: optional(someOf(text)),
  training: object,
  calibration: optional(onlyFields(calibrationRules)),
};

/** Writes `config.json` and `model.safetensors`. @throws FileAccessError, OptionError */
export async function saveMapDiffusion(
  folder: string,
  model: MapDiffusion,
  file: MapDiffusionFile,
): Promise<void> {
  checkArguments(
    'saveMapDiffusion',
    { folder, model, file },
    { folder: pathRule, model: instanceOf(MapDiffusion, 'a MapDiffusion'), file: onlyFields(fileRules) },
  );
  checkConfig(file.model);
  await saveModel(folder, model, file);
}

/**
 * Opens a folder with `config.json`, `model.safetensors` and, where the configuration says, word vectors.
 * @throws FileAccessError, FileFormatError
 */
export async function loadMapDiffusion(
  runtime: Runtime,
  source: FolderSource,
  options: ModelFolderOptions = {},
): Promise<LoadedMapDiffusion> {
  checkArguments('loadMapDiffusion', { runtime, source }, { runtime: anyRuntime, source: folderSourceRule });
  checkFields('loadMapDiffusion', options, modelFolderRules);
  const folder = await openFolder(source, given({ signal: options.signal }));
  const file = checkFile(await readJsonIn(folder, 'config.json'), folder.pathOf('config.json'));
  const words = await loadWordVectorsIn(folder, file.words);
  const checkpoint = await openSafetensorsIn(folder);
  try {
    const model = await loaded(new MapDiffusion(runtime, file.model), checkpoint, options);
    return { file, model, words };
  } finally {
    await checkpoint.close();
  }
}

function checkFile(stored: unknown, path: string): MapDiffusionFile {
  const value = configOf(stored, 'map-diffusion', path);
  return checkedFile(path, () => {
    const file = { ...Object(value), model: withClasses(Object(value).model) };
    checkFields<MapDiffusionFile>('loadMapDiffusion', file, fileRules, 'field');
    checkConfig(file.model);
    return file;
  });
}
