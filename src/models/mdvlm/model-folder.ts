import { readJson } from '../../data/byte-source.js';
import { openSafetensors } from '../../data/safetensors.js';
import type { LoadOptions } from '../../nn/load-weights.js';
import { nodeModule } from '../../node-module.js';
import type { Runtime } from '../../tensor/runtime.js';
import { type LanguageConfig, parseLanguageConfig } from './language-config.js';
import { LanguageModel, type LanguageModelOptions } from './language-model.js';
import { languageTensorName } from './tensor-names.js';

/** The `config.json` of a folder of LLaDA's form. @throws FileAccessError, FileFormatError */
export async function readLanguageConfig(folder: string): Promise<LanguageConfig> {
  const { join } = await nodeModule('node:path');
  const path = join(folder, 'config.json');
  return parseLanguageConfig(await readJson(path), path);
}

/**
 * Opens a folder of LLaDA's form: `config.json`, and `model.safetensors` or shards with `model.safetensors.index.json`.
 * Keys and tensors have LLaDA's names or Llama's; what else LLaDA-V's folder holds is left out.
 * @throws FileAccessError, FileFormatError
 */
export async function loadLanguageModel(
  runtime: Runtime,
  folder: string,
  options: LanguageModelOptions & LoadOptions = {},
): Promise<LanguageModel> {
  const config = await readLanguageConfig(folder);
  const checkpoint = await openSafetensors(folder);
  try {
    const model = new LanguageModel(runtime, config, options);
    try {
      await model.load(checkpoint.renamed(languageTensorName), options);
      return model;
    } catch (error) {
      model.dispose();
      throw error;
    }
  } finally {
    await checkpoint.close();
  }
}
