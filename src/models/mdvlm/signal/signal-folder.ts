import {
  checkArguments,
  checkFields,
  integer,
  listOf,
  object,
  oneOf,
  onlyFields,
  path as pathRule,
  type Rules,
  text,
} from '../../../arguments.js';
import {
  type FolderSource,
  folderSourceRule,
  openFolder,
  readJsonIn,
  type SourceFolder,
} from '../../../data/files/source-folder.js';
import { checkedFile } from '../../../data/formats/json-record.js';
import { openSafetensorsIn } from '../../../data/formats/safetensors.js';
import { rhoRule } from '../../../diffusion/unmasking.js';
import { type LoadOptions, type ModelFolderOptions, modelFolderRules } from '../../../nn/load-weights.js';
import { saveModel } from '../../../nn/save-model.js';
import { given } from '../../../tensor/given.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import { configOf } from '../../common/architecture.js';
import { withClasses } from '../../map-diffusion/recognition.js';
import {
  checkSignalMdvlmConfig,
  configRules,
  makeSignalMdvlm,
  type SignalMdvlm,
  type SignalMdvlmConfig,
  signalMdvlmRule,
} from './signal-config.js';

/** What `config.json` of a model folder says. */
export interface SignalMdvlmFile {
  readonly architecture: 'signal-mdvlm';
  readonly model: SignalMdvlmConfig;
  /** The words that it knows. */
  readonly words: readonly string[];
  /** How it is meant to be decoded; see `AnswerOptions`. */
  readonly decoding: { readonly steps: number; readonly rho: number };
  /** How it was trained, for the reader. */
  readonly training: Readonly<Record<string, unknown>>;
}

export interface LoadedSignalMdvlm extends SignalMdvlm {
  readonly file: SignalMdvlmFile;
}

const fileRules: Rules<SignalMdvlmFile> = {
  architecture: oneOf('signal-mdvlm'),
  model: onlyFields(configRules),
  words: listOf(text),
  decoding: onlyFields<SignalMdvlmFile['decoding']>({ steps: integer(1), rho: rhoRule }),
  training: object,
};

/** Writes `config.json` and `model.safetensors`. @throws FileAccessError, OptionError */
export async function saveSignalMdvlm(
  folder: string,
  mdvlm: SignalMdvlm,
  file: SignalMdvlmFile,
): Promise<void> {
  checkArguments(
    'saveSignalMdvlm',
    { folder, mdvlm, file },
    { folder: pathRule, mdvlm: signalMdvlmRule, file: onlyFields(fileRules) },
  );
  checkSignalMdvlmConfig(file.model);
  await saveModel(folder, mdvlm.model, file);
}

/** Opens a folder with `config.json` and `model.safetensors`. @throws FileAccessError, FileFormatError */
export async function loadSignalMdvlm(
  runtime: Runtime,
  source: FolderSource,
  options: ModelFolderOptions = {},
): Promise<LoadedSignalMdvlm> {
  checkArguments('loadSignalMdvlm', { runtime, source }, { runtime: anyRuntime, source: folderSourceRule });
  checkFields('loadSignalMdvlm', options, modelFolderRules);
  const folder = await openFolder(source, given({ signal: options.signal }));
  const file = await readFile(folder);
  const mdvlm = checkedFile(folder.pathOf('config.json'), () =>
    makeSignalMdvlm(runtime, file.model, file.words),
  );
  try {
    await loadWeights(mdvlm, folder, options);
    return { ...mdvlm, file };
  } catch (error) {
    mdvlm.model.dispose();
    throw error;
  }
}

/** The `config.json` of a folder. @throws FileAccessError, FileFormatError */
export async function readSignalMdvlmFile(folder: string): Promise<SignalMdvlmFile> {
  return readFile(await openFolder(folder));
}

/** Gives a model the weights of a folder. @throws FileAccessError, FileFormatError where they are of another model */
export async function loadSignalWeights(mdvlm: SignalMdvlm, folder: string): Promise<void> {
  await loadWeights(mdvlm, await openFolder(folder), {});
}

async function readFile(folder: SourceFolder): Promise<SignalMdvlmFile> {
  return checkFile(await readJsonIn(folder, 'config.json'), folder.pathOf('config.json'));
}

async function loadWeights(
  { model }: SignalMdvlm,
  folder: SourceFolder,
  options: LoadOptions,
): Promise<void> {
  const checkpoint = await openSafetensorsIn(folder);
  try {
    await model.load(checkpoint, options);
  } finally {
    await checkpoint.close();
  }
}

function checkFile(stored: unknown, path: string): SignalMdvlmFile {
  const value = configOf(stored, 'signal-mdvlm', path);
  return checkedFile(path, () => {
    const { model, ...rest } = Object(value);
    const file = { ...rest, model: { ...Object(model), encoder: withClasses(Object(model).encoder) } };
    checkFields<SignalMdvlmFile>('loadSignalMdvlm', file, fileRules, 'field');
    checkSignalMdvlmConfig(file.model);
    return file;
  });
}
