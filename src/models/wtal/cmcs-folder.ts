import { checkArguments, checkFields, oneOf, type Rules, someOf, text } from '../../arguments.js';
import {
  type FolderSource,
  folderSourceRule,
  openFolder,
  readJsonIn,
} from '../../data/files/source-folder.js';
import { checkedFile } from '../../data/formats/json-record.js';
import { openSafetensorsIn } from '../../data/formats/safetensors.js';
import { FileFormatError } from '../../errors.js';
import { type ModelFolderOptions, modelFolderRules } from '../../nn/load-weights.js';
import { given } from '../../tensor/given.js';
import { anyRuntime, type Runtime } from '../../tensor/runtime.js';
import { configOf } from '../common/architecture.js';
import { Cmcs } from './cmcs.js';

/** What `config.json` of a folder of CMCS says; the sizes of the network are those of its weights. */
export interface CmcsFile {
  readonly architecture: 'cmcs';
  /** In the order of the network's outputs; the last is the background. */
  readonly classes: readonly string[];
}

const fileRules: Rules<CmcsFile> = { architecture: oneOf('cmcs'), classes: someOf(text) };

/** Opens a folder with `config.json` and `model.safetensors`. @throws FileAccessError, FileFormatError */
export async function loadCmcs(
  runtime: Runtime,
  source: FolderSource,
  options: ModelFolderOptions = {},
): Promise<{ readonly file: CmcsFile; readonly model: Cmcs }> {
  checkArguments('loadCmcs', { runtime, source }, { runtime: anyRuntime, source: folderSourceRule });
  checkFields('loadCmcs', options, modelFolderRules);
  const { onProgress, ...reading } = options;
  const folder = await openFolder(source, reading);
  const path = folder.pathOf('config.json');
  const file = configOf(await readJsonIn(folder, 'config.json'), 'cmcs', path);
  checkedFile(path, () => checkFields<CmcsFile>('loadCmcs', file as CmcsFile, fileRules, 'field'));
  const { classes } = file as CmcsFile;
  const checkpoint = await openSafetensorsIn(folder);
  try {
    const model = await Cmcs.load(runtime, checkpoint, given({ onProgress }));
    if (model.classes === classes.length) return { file: file as CmcsFile, model };
    model.dispose();
    throw new FileFormatError(
      `${path}: classes holds ${classes.length} names, the network has ${model.classes} outputs, the last being the background`,
    );
  } finally {
    await checkpoint.close();
  }
}
