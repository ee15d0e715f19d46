import {
  checkArguments,
  checkFields,
  instanceOf,
  object,
  oneOf,
  onlyFields,
  optional,
  path as pathRule,
  type Rules,
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
import { loadWordVectorsIn, type WordVectors } from '../../data/text/words.js';
import { OptionError } from '../../errors.js';
import { type ModelFolderOptions, modelFolderRules } from '../../nn/load-weights.js';
import { loaded } from '../../nn/module.js';
import { saveModel } from '../../nn/save-model.js';
import { given } from '../../tensor/given.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { configOf } from '../common/architecture.js';
import { checkGroundingConfig, type GroundingConfig, groundingRules } from './config.js';
import { GroundingNetwork } from './grounding-network.js';
import { checkWords } from './query-text.js';

/** What `config.json` of a model folder says. */
export interface GroundingFile {
  readonly architecture: 'cg-detr';
  readonly model: GroundingConfig;
  /** Path of the word vectors that it was trained with, from the folder; of models of words. */
  readonly words?: string;
  /** How it was trained, for the reader. */
  readonly training: Readonly<Record<string, unknown>>;
}

export interface LoadedGrounding {
  readonly file: GroundingFile;
  readonly network: GroundingNetwork;
  /** Of models of words. */
  readonly words?: WordVectors;
}

const fileRules: Rules<GroundingFile> = {
  architecture: oneOf('cg-detr'),
  model: onlyFields(groundingRules),
  words: optional(text),
  training: object,
};

/** Writes `config.json` and `model.safetensors`. @throws FileAccessError, OptionError */
export async function saveGrounding(
  folder: string,
  network: GroundingNetwork,
  file: GroundingFile,
): Promise<void> {
  checkArguments(
    'saveGrounding',
    { folder, network },
    { folder: pathRule, network: instanceOf(GroundingNetwork, 'a GroundingNetwork') },
  );
  checkFields('saveGrounding', file, fileRules, 'field');
  await saveModel(folder, network, file);
}

/** Opens a folder with `config.json`, `model.safetensors` and, for a model of words, their vectors. @throws FileAccessError, FileFormatError */
export async function loadGrounding(
  runtime: Runtime,
  source: FolderSource,
  options: ModelFolderOptions = {},
): Promise<LoadedGrounding> {
  checkArguments('loadGrounding', { runtime, source }, { runtime: anyRuntime, source: folderSourceRule });
  checkFields('loadGrounding', options, modelFolderRules);
  const folder = await openFolder(source, given({ signal: options.signal }));
  const path = folder.pathOf('config.json');
  const file = configOf(await readJsonIn(folder, 'config.json'), 'cg-detr', path) as GroundingFile;
  checkedFile(path, () => {
    checkFields<GroundingFile>('loadGrounding', file, fileRules, 'field');
    checkGroundingConfig(file.model);
    if ((file.model.text.kind === 'words') !== (file.words !== undefined))
      throw new OptionError('words is for models of words (model.text.kind), and these need it');
  });
  const words = file.words === undefined ? undefined : await loadWordVectorsIn(folder, file.words);
  if (words) checkedFile(path, () => checkWords(file.model.text, words));
  const checkpoint = await openSafetensorsIn(folder);
  try {
    const network = await loaded(new GroundingNetwork(runtime, file.model), checkpoint, options);
    return { file, network, ...(words && { words }) };
  } finally {
    await checkpoint.close();
  }
}
