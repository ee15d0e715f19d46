import { writeWhole } from '../data/output-file.js';
import { encodeSafetensors } from '../data/safetensors.js';
import { nodeModule } from '../node-module.js';
import type { Module } from './module.js';

/** Writes a model's folder: `model.safetensors`, and `config.json` of what is given. @throws FileAccessError */
export async function saveModel(folder: string, model: Module, config: unknown): Promise<void> {
  await saveWeights(folder, 'model.safetensors', model);
  await saveConfig(folder, 'config.json', config);
}

/** Writes all weights of a module, as f32. @throws FileAccessError */
export async function saveWeights(folder: string, file: string, module: Module, prefix = ''): Promise<void> {
  const { join } = await nodeModule('node:path');
  const state = Object.entries(await module.state());
  const tensors = state.map(
    ([name, { shape, data }]) => [prefix + name, { dtype: 'f32', shape, data }] as const,
  );
  await writeWhole(join(folder, file), encodeSafetensors(Object.fromEntries(tensors), { format: 'pt' }));
}

/** Writes JSON. @throws FileAccessError */
export async function saveConfig(folder: string, file: string, config: unknown): Promise<void> {
  const { join } = await nodeModule('node:path');
  await writeWhole(join(folder, file), `${JSON.stringify(config, null, 2)}\n`);
}
