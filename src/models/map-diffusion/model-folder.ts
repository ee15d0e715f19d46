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
  text,
} from '../../arguments.js';
import { readJson } from '../../data/files/byte-source.js';
import { checkedFile } from '../../data/formats/json-record.js';
import { openSafetensors } from '../../data/formats/safetensors.js';
import { loadWordVectors, type WordVectors } from '../../data/text/words.js';
import { FileFormatError } from '../../errors.js';
import { type Calibration, calibrationRules } from '../../evaluation/calibration.js';
import { loaded } from '../../nn/module.js';
import { saveModel } from '../../nn/save-model.js';
import { nodeModule } from '../../node-module.js';
import type { Runtime } from '../../tensor/runtime.js';
import { anyRuntime } from '../../tensor/runtime.js';
import { checkConfig, configRules, type MapDiffusionConfig } from './config.js';
import { MapDiffusion } from './model.js';

/** What `config.json` of a model folder says. */
export interface MapDiffusionFile {
  readonly kind: 'map-diffusion';
  readonly model: MapDiffusionConfig;
  /** Path of the word vectors that it was trained with, from the folder. */
  readonly words: string;
  /** DDIM steps that it is meant to be sampled with. */
  readonly steps: number;
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
  kind: oneOf('map-diffusion'),
  model: onlyFields(configRules),
  words: text,
  steps: integer(1),
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
export async function loadMapDiffusion(runtime: Runtime, folder: string): Promise<LoadedMapDiffusion> {
  checkArguments('loadMapDiffusion', { runtime, folder }, { runtime: anyRuntime, folder: pathRule });
  const { join } = await nodeModule('node:path');
  const path = join(folder, 'config.json');
  const file = checkFile(await readJson(path), path);
  const words = await loadWordVectors(join(folder, file.words));
  const checkpoint = await openSafetensors(join(folder, 'model.safetensors'));
  try {
    const model = await loaded(new MapDiffusion(runtime, file.model), checkpoint);
    return { file, model, words };
  } finally {
    await checkpoint.close();
  }
}

function checkFile(value: unknown, path: string): MapDiffusionFile {
  if (Object(value).kind !== 'map-diffusion') {
    throw new FileFormatError(`${path} is no configuration of a map-diffusion model`);
  }
  return checkedFile(path, () => {
    checkFields<MapDiffusionFile>('loadMapDiffusion', value, fileRules, 'field');
    checkConfig(value.model);
    return value;
  });
}
