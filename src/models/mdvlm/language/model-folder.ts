import {
  checkArgument,
  checkArguments,
  checkFields,
  optional,
  path as pathRule,
  type Rules,
} from '../../../arguments.js';
import { readJson } from '../../../data/files/byte-source.js';
import { openSafetensors } from '../../../data/formats/safetensors.js';
import { FileFormatError, OptionError } from '../../../errors.js';
import { type LoadOptions, loadRules } from '../../../nn/load-weights.js';
import { type LoraFolder, openLora } from '../../../nn/lora-folder.js';
import { nodeModule } from '../../../node-module.js';
import { given } from '../../../tensor/given.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import { type LanguageConfig, parseLanguageConfig } from './language-config.js';
import { LanguageModel } from './language-model.js';
import type { LanguageModelOptions } from './language-options.js';
import { languageModelRules } from './language-options.js';
import { languageTensorName } from './tensor-names.js';

/** The `config.json` of a folder of LLaDA's form. @throws FileAccessError, FileFormatError */
export async function readLanguageConfig(folder: string): Promise<LanguageConfig> {
  checkArgument('readLanguageConfig', 'folder', folder, pathRule);
  const { join } = await nodeModule('node:path');
  const path = join(folder, 'config.json');
  return parseLanguageConfig(await readJson(path), path);
}

export interface LoadLanguageOptions extends LanguageModelOptions, LoadOptions {
  /** Folder of a LoRA adapter as PEFT writes it, with LLaDA's names of layers or Llama's; sets `lora`. */
  readonly adapter?: string;
}

const loadLanguageRules: Rules<LoadLanguageOptions> = {
  ...languageModelRules,
  ...loadRules,
  adapter: optional(pathRule),
};

/**
 * Opens a folder of LLaDA's form: `config.json`, and `model.safetensors` or shards with `model.safetensors.index.json`.
 * Keys and tensors have LLaDA's names or Llama's; what else LLaDA-V's folder holds is left out.
 * @throws FileAccessError; FileFormatError also where the adapter is of another model
 */
export async function loadLanguageModel(
  runtime: Runtime,
  folder: string,
  options: LoadLanguageOptions = {},
): Promise<LanguageModel> {
  checkArguments('loadLanguageModel', { runtime, folder }, { runtime: anyRuntime, folder: pathRule });
  checkFields('loadLanguageModel', options, loadLanguageRules);
  const config = await readLanguageConfig(folder);
  const { adapter: adapterPath, chunkBytes, onProgress, signal, ...modelOptions } = options;
  const adapter = adapterPath === undefined ? undefined : await openLora(adapterPath, languageTensorName);
  try {
    const model = adapter
      ? adaptedModel(runtime, config, options, modelOptions, adapter)
      : new LanguageModel(runtime, config, modelOptions);
    try {
      // First, as it is small and may not fit.
      if (model.lora) await adapter?.load(model.lora);
      await loadWeights(model, folder, given({ chunkBytes, onProgress, signal }));
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  } finally {
    await adapter?.close();
  }
}

async function loadWeights(model: LanguageModel, folder: string, options: LoadOptions): Promise<void> {
  const checkpoint = await openSafetensors(folder);
  try {
    await model.load(checkpoint.renamed(languageTensorName), options);
  } finally {
    await checkpoint.close();
  }
}

/** A model that can take an adapter. @throws FileFormatError where it has not the layers that are adapted */
function adaptedModel(
  runtime: Runtime,
  config: LanguageConfig,
  { adapter }: LoadLanguageOptions,
  options: LanguageModelOptions,
  { options: lora, base }: LoraFolder,
): LanguageModel {
  try {
    return new LanguageModel(runtime, config, { ...options, lora });
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    throw new FileFormatError(`${adapter}: ${cause.message}; the adapter was made for ${base}`, {
      cause,
    });
  }
}
