import { abortRules } from '../abort.js';
import { callback, checkArgument, checkFields, listed, oneOf, optional, type Rules } from '../arguments.js';
import { type FolderSource, folderSourceRule, openFolder, readJsonIn } from '../data/files/source-folder.js';
import { FileFormatError } from '../errors.js';
import { weightStorages } from '../nn/weight-storage.js';
import { given } from '../tensor/given.js';
import { anyRuntime, Runtime } from '../tensor/runtime.js';
import { architectureOf } from './common/architecture.js';
import type { LocalizationModel } from './localization-model.js';
import type { LoadModelOptions } from './model-spec.js';
import { architectures } from './registry.js';

export interface OpenModelOptions extends LoadModelOptions {
  /** On which the model runs; it stays the caller's. Default: one of its own, which ends with the model. */
  readonly runtime?: Runtime;
}

const openRules: Rules<OpenModelOptions> = {
  runtime: optional(anyRuntime),
  dtype: optional(oneOf(...weightStorages)),
  ...abortRules,
  onProgress: optional(callback),
};

/**
 * Opens a trained model of any architecture. `config.json` says which it is; without an `architecture` it is a model of
 * LLaDA-V's form.
 * @param source a folder, its address, or its files by name
 * @throws FileAccessError where a file is missing or cannot be read; FileFormatError where one is damaged, or the
 *   architecture is not known; OptionError where the architecture has no such `dtype`; AdapterError where there is no GPU
 */
export async function openModel(
  source: FolderSource,
  options: OpenModelOptions = {},
): Promise<LocalizationModel> {
  checkArgument('openModel', 'source', source, folderSourceRule);
  checkFields('openModel', options, openRules);
  const { runtime: lent, ...loading } = options;
  const folder = await openFolder(source, given({ signal: loading.signal }));
  const path = folder.pathOf('config.json');
  const name = architectureOf(await readJsonIn(folder, 'config.json'), path) ?? 'llada-v';
  const spec = Object.hasOwn(architectures, name) ? await architectures[name]!() : undefined;
  if (!spec) {
    const known = listed(Object.keys(architectures), 'or');
    throw new FileFormatError(`${path}: architecture is ${JSON.stringify(name)}, it must be ${known}`);
  }
  const runtime = lent ?? (await Runtime.create());
  try {
    const model = await spec.open(runtime, source, loading);
    if (!lent) model.takeOver({ dispose: () => runtime.destroy() });
    return model;
  } catch (error) {
    if (!lent) runtime.destroy();
    throw error;
  }
}
