import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  objectWith,
  onlyFields,
  path as pathRule,
  type Rule,
} from '../../../arguments.js';
import {
  type FolderOptions,
  type FolderSource,
  folderSourceRule,
  openFolder,
  readJsonIn,
  type SourceFolder,
} from '../../../data/files/source-folder.js';
import { openSafetensorsIn } from '../../../data/formats/safetensors.js';
import { type LoadOptions, loadRules, modelFolderRules } from '../../../nn/load-weights.js';
import { loaded } from '../../../nn/module.js';
import { given } from '../../../tensor/given.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import { LanguageModel } from '../language/language-model.js';
import type { LanguageModelOptions } from '../language/language-options.js';
import { languageModelRules } from '../language/language-options.js';
import { loadTokenizerIn, Tokenizer } from '../language/tokenizer.js';
import { Mdvlm } from '../mdvlm.js';
import { TimeTokens } from '../time-tokens.js';
import { videoMdvlmWeights } from '../vision/visual-checkpoint.js';
import { VisualEncoder } from '../vision/visual-encoder.js';
import { checkVideoMdvlmConfig, configRules, type VideoMdvlmConfig } from './video-config.js';
import { parseVideoMdvlmConfig } from './video-config-file.js';

/** A model of videos with its words. */
export interface VideoMdvlm {
  readonly config: VideoMdvlmConfig;
  readonly tokenizer: Tokenizer;
  readonly model: Mdvlm<VisualEncoder>;
}

export const videoMdvlmRule: Rule<VideoMdvlm> = objectWith<VideoMdvlm>(
  {
    config: onlyFields(configRules),
    tokenizer: instanceOf(Tokenizer, 'a Tokenizer'),
    model: instanceOf<Mdvlm<VisualEncoder>>(Mdvlm, 'an Mdvlm'),
  },
  'a model of videos (loadVideoMdvlm)',
);

/**
 * The model of a configuration, without weights. Its vision encoder is stored as the language model is, but in 8 bits at least
 * (`visualStorage`).
 * @throws OptionError for a configuration that cannot be
 */
export function makeVideoMdvlm(
  runtime: Runtime,
  config: VideoMdvlmConfig,
  options: LanguageModelOptions = {},
): Mdvlm<VisualEncoder> {
  checkArgument('makeVideoMdvlm', 'runtime', runtime, anyRuntime);
  checkFields('makeVideoMdvlm', options, languageModelRules);
  const { visual, language } = checkVideoMdvlmConfig(config);
  const { weights } = options;
  return runtime.detached(() => {
    const encoder = new VisualEncoder(runtime, visual, given({ weights }));
    return new Mdvlm(encoder, new LanguageModel(runtime, language, options));
  });
}

/** The `config.json` of a folder of LLaDA-V's form. @throws FileAccessError, FileFormatError */
export async function readVideoMdvlmConfig(folder: string): Promise<VideoMdvlmConfig> {
  checkArgument('readVideoMdvlmConfig', 'folder', folder, pathRule);
  return readConfig(await openFolder(folder));
}

async function readConfig(folder: SourceFolder): Promise<VideoMdvlmConfig> {
  return parseVideoMdvlmConfig(await readJsonIn(folder, 'config.json'), folder.pathOf('config.json'));
}

/**
 * Opens a folder of LLaDA-V's form: `config.json` (`parseVideoMdvlmConfig`), `tokenizer.json` and
 * `tokenizer_config.json`, and `model.safetensors` or shards with `model.safetensors.index.json` that hold the language
 * model and the vision encoder. A bounded part of one tensor is in memory at a time.
 * @throws FileAccessError where a file is missing; FileFormatError where one is damaged, of another kind of model, or has
 *   no vision encoder; OptionError where a time token would take the id of another
 */
export async function loadVideoMdvlm(
  runtime: Runtime,
  source: FolderSource,
  options: LanguageModelOptions & LoadOptions & FolderOptions = {},
): Promise<VideoMdvlm> {
  checkArguments('loadVideoMdvlm', { runtime, source }, { runtime: anyRuntime, source: folderSourceRule });
  checkFields<LanguageModelOptions & LoadOptions & FolderOptions>('loadVideoMdvlm', options, {
    ...languageModelRules,
    ...loadRules,
    ...modelFolderRules,
  });
  const { chunkBytes, onProgress, signal, ...modelOptions } = options;
  const folder = await openFolder(source, given({ signal }));
  const config = await readConfig(folder);
  const tokenizer = await loadTokenizerIn(folder, new TimeTokens(config.times));
  const checkpoint = await openSafetensorsIn(folder);
  try {
    const weights = videoMdvlmWeights(checkpoint);
    const model = await loaded(
      makeVideoMdvlm(runtime, config, modelOptions),
      weights,
      given({ chunkBytes, onProgress, signal }),
    );
    return { config, tokenizer, model };
  } finally {
    await checkpoint.close();
  }
}
