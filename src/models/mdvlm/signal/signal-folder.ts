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
import { readJson } from '../../../data/files/byte-source.js';
import { checkedFile } from '../../../data/formats/json-record.js';
import { openSafetensors } from '../../../data/formats/safetensors.js';
import { rhoRule } from '../../../diffusion/unmasking.js';
import { FileFormatError } from '../../../errors.js';
import { saveModel } from '../../../nn/save-model.js';
import { nodeModule } from '../../../node-module.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
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
  readonly kind: 'signal-mdvlm';
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
  kind: oneOf('signal-mdvlm'),
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
export async function loadSignalMdvlm(runtime: Runtime, folder: string): Promise<LoadedSignalMdvlm> {
  checkArguments('loadSignalMdvlm', { runtime, folder }, { runtime: anyRuntime, folder: pathRule });
  const file = await readSignalMdvlmFile(folder);
  const path = await configPath(folder);
  const mdvlm = checkedFile(path, () => makeSignalMdvlm(runtime, file.model, file.words));
  try {
    await loadSignalWeights(mdvlm, folder);
    return { ...mdvlm, file };
  } catch (error) {
    mdvlm.model.dispose();
    throw error;
  }
}

/** The `config.json` of a folder. @throws FileAccessError, FileFormatError */
export async function readSignalMdvlmFile(folder: string): Promise<SignalMdvlmFile> {
  const path = await configPath(folder);
  return checkFile(await readJson(path), path);
}

async function configPath(folder: string): Promise<string> {
  const { join } = await nodeModule('node:path');
  return join(folder, 'config.json');
}

/** Gives a model the weights of a folder. @throws FileAccessError, FileFormatError where they are of another model */
export async function loadSignalWeights({ model }: SignalMdvlm, folder: string): Promise<void> {
  const { join } = await nodeModule('node:path');
  const checkpoint = await openSafetensors(join(folder, 'model.safetensors'));
  try {
    await model.load(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function checkFile(value: unknown, path: string): SignalMdvlmFile {
  if (Object(value).kind !== 'signal-mdvlm') {
    throw new FileFormatError(`${path} is no configuration of a masked diffusion model of signals`);
  }
  return checkedFile(path, () => {
    checkFields<SignalMdvlmFile>('loadSignalMdvlm', value, fileRules, 'field');
    checkSignalMdvlmConfig(value.model);
    return value;
  });
}
