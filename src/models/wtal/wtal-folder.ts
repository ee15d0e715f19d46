import {
  checkArguments,
  checkFields,
  instanceOf,
  object,
  oneOf,
  onlyFields,
  path as pathRule,
  type Rules,
  someOf,
  text,
} from '../../arguments.js';
import {
  type FolderSource,
  folderSourceRule,
  openFolder,
  readJsonIn,
} from '../../data/files/source-folder.js';
import { checkedFile } from '../../data/formats/json-record.js';
import { openSafetensorsIn } from '../../data/formats/safetensors.js';
import { type ModelFolderOptions, modelFolderRules } from '../../nn/load-weights.js';
import { loaded } from '../../nn/module.js';
import { saveModel } from '../../nn/save-model.js';
import { given } from '../../tensor/given.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { configOf } from '../common/architecture.js';
import { type WtalConfig, wtalRules } from './wtal-config.js';
import { WtalNetwork } from './wtal-network.js';

/** What `config.json` of a model folder says. */
export interface WtalFile {
  readonly architecture: 'wtal';
  readonly model: WtalConfig;
  /** In the order of the network's outputs; the background, its last output, is not among them. */
  readonly classes: readonly string[];
  /** How it was trained, for the reader. */
  readonly training: Readonly<Record<string, unknown>>;
}

export interface LoadedWtal {
  readonly file: WtalFile;
  readonly network: WtalNetwork;
}

const fileRules: Rules<WtalFile> = {
  architecture: oneOf('wtal'),
  model: onlyFields(wtalRules),
  classes: someOf(text),
  training: object,
};

/** Writes `config.json` and `model.safetensors`. @throws FileAccessError, OptionError */
export async function saveWtal(folder: string, network: WtalNetwork, file: WtalFile): Promise<void> {
  checkArguments(
    'saveWtal',
    { folder, network, file },
    { folder: pathRule, network: instanceOf(WtalNetwork, 'a WtalNetwork'), file: onlyFields(fileRules) },
  );
  await saveModel(folder, network, file);
}

/** Opens a folder with `config.json` and `model.safetensors`. @throws FileAccessError, FileFormatError */
export async function loadWtal(
  runtime: Runtime,
  source: FolderSource,
  options: ModelFolderOptions = {},
): Promise<LoadedWtal> {
  checkArguments('loadWtal', { runtime, source }, { runtime: anyRuntime, source: folderSourceRule });
  checkFields('loadWtal', options, modelFolderRules);
  const folder = await openFolder(source, given({ signal: options.signal }));
  const path = folder.pathOf('config.json');
  const file = configOf(await readJsonIn(folder, 'config.json'), 'wtal', path) as WtalFile;
  checkedFile(path, () => checkFields<WtalFile>('loadWtal', file, fileRules, 'field'));
  const checkpoint = await openSafetensorsIn(folder);
  try {
    const network = new WtalNetwork(runtime, file.model, file.classes.length + 1);
    return { file, network: await loaded(network, checkpoint, options) };
  } finally {
    await checkpoint.close();
  }
}
