import { checkArguments, instanceOf, object, path as pathRule, text } from '../arguments.js';
import { writeWhole } from '../data/files/output-file.js';
import { encodeSafetensors } from '../data/formats/safetensors.js';
import { nodeModule } from '../node-module.js';
import { Module } from './module.js';

const moduleRule = instanceOf(Module, 'a module');

/**
 * Writes the folder of a model of one's own: `model.safetensors` with all weights in f32 under the names of
 * `model.state()`, so that `model.load(await openSafetensors(folder))` takes them, and `config.json`.
 * @param config what the model is made from, as JSON has it
 * @throws FileAccessError where the folder is missing or a file cannot be written; ReleasedError where the model has no
 *   weights; OptionError
 */
export async function saveModel(folder: string, model: Module, config: unknown): Promise<void> {
  checkArguments(
    'saveModel',
    { folder, model, config },
    { folder: pathRule, model: moduleRule, config: object },
  );
  await saveWeights(folder, 'model.safetensors', model);
  await saveConfig(folder, 'config.json', config);
}

/**
 * Writes all weights of a module as a safetensors file, in f32, under the names of `module.state()`.
 * @param file its name in the folder
 * @param prefix put before each name
 * @throws FileAccessError where the folder is missing or the file cannot be written; ReleasedError where the module has
 *   no weights
 */
export async function saveWeights(folder: string, file: string, module: Module, prefix = ''): Promise<void> {
  checkArguments(
    'saveWeights',
    { folder, file, module, prefix },
    { folder: pathRule, file: pathRule, module: moduleRule, prefix: text },
  );
  const { join } = await nodeModule('node:path');
  const state = Object.entries(await module.state());
  const tensors = Object.fromEntries(state.map(([name, array]) => [prefix + name, array]));
  await writeWhole(join(folder, file), encodeSafetensors(tensors, { format: 'pt' }));
}

/** Writes JSON. @throws FileAccessError */
export async function saveConfig(folder: string, file: string, config: unknown): Promise<void> {
  const { join } = await nodeModule('node:path');
  await writeWhole(join(folder, file), `${JSON.stringify(config, null, 2)}\n`);
}
