import { writeWhole } from '../data/detection-json.js';
import { encodeSafetensors } from '../data/safetensors.js';
import { nodeModule } from '../node-module.js';
import type { Module } from './module.js';

/** Writes a model's folder: `model.safetensors`, and `config.json` of what is given. @throws FileAccessError */
export async function saveModel(folder: string, model: Module, config: unknown): Promise<void> {
  const { join } = await nodeModule('node:path');
  const state = Object.entries(await model.state());
  const tensors = state.map(([name, { shape, data }]) => [name, { dtype: 'f32', shape, data }] as const);
  await writeWhole(
    join(folder, 'model.safetensors'),
    encodeSafetensors(Object.fromEntries(tensors), { format: 'pt' }),
  );
  await writeWhole(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}
