import { readJson } from '../../data/byte-source.js';
import { openSafetensors } from '../../data/safetensors.js';
import { FileFormatError, OptionError } from '../../errors.js';
import { saveModel } from '../../nn/save-model.js';
import { nodeModule } from '../../node-module.js';
import type { Runtime } from '../../tensor/runtime.js';
import { makeSignalMdvlm, type SignalMdvlm, type SignalMdvlmConfig } from './signal-config.js';

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

/** Writes `config.json` and `model.safetensors`. @throws FileAccessError */
export async function saveSignalMdvlm(
  folder: string,
  { model }: SignalMdvlm,
  file: SignalMdvlmFile,
): Promise<void> {
  await saveModel(folder, model, file);
}

/** Opens a folder with `config.json` and `model.safetensors`. @throws FileAccessError, FileFormatError */
export async function loadSignalMdvlm(runtime: Runtime, folder: string): Promise<LoadedSignalMdvlm> {
  const file = await readSignalMdvlmFile(folder);
  const mdvlm = await made(runtime, file, folder);
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
  const file = value as SignalMdvlmFile;
  const words = Array.isArray(file?.words) && file.words.every((word) => typeof word === 'string');
  const { steps, rho } = file?.decoding ?? {};
  if (file?.kind !== 'signal-mdvlm' || !words || !Number.isInteger(steps) || typeof rho !== 'number') {
    throw new FileFormatError(`${path} is no configuration of a masked diffusion model of signals`);
  }
  return file;
}

async function made(runtime: Runtime, file: SignalMdvlmFile, folder: string): Promise<SignalMdvlm> {
  try {
    return makeSignalMdvlm(runtime, file.model, file.words);
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    throw new FileFormatError(`${await configPath(folder)}: ${cause.message}`, { cause });
  }
}
