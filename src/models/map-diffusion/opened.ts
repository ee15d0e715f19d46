import { checkFields } from '../../arguments.js';
import type { VideoInput } from '../../datasets/open-input.js';
import { given } from '../../tensor/given.js';
import type { Detection } from '../../time/segment.js';
import {
  type Ask,
  type Found,
  LocalizationModel,
  type ModelInput,
  type PredictRequest,
} from '../localization-model.js';
import { AskedExamples } from './asked-examples.js';
import { type ClipReader, clipReader, inputOf } from './clip-reader.js';
import { featureWarnings } from './feature-warnings.js';
import { sentenceOfLabel } from './label-sentences.js';
import { type LocalizeMomentsOptions, localizeMoments, localizeRules } from './localize.js';
import type { LoadedMapDiffusion } from './model-folder.js';

/** How moments are sampled and ranked; by default as `config.json` says. */
export type MapDiffusionOptions = Omit<LocalizeMomentsOptions, 'onProgress' | 'signal'>;

const { onProgress: _, signal: __, ...optionRules } = localizeRules;

/** Moments of each class in a window, where `count` does not say (ours). */
const ACTIONS = 20;

/** A model of 2D temporal maps as `openModel` gives it. One that was trained on labels asks for each of its classes. */
export class OpenedMapDiffusion extends LocalizationModel {
  readonly architecture = 'map-diffusion';
  readonly finds: readonly ('moments' | 'actions')[];
  readonly input: ModelInput;
  readonly #reader: ClipReader;
  /** Each warning is given once. */
  readonly #warned = new Set<string>();

  constructor(readonly loaded: LoadedMapDiffusion) {
    super(loaded.model.runtime, loaded.model);
    const { config } = loaded.model;
    this.finds = loaded.file.labels ? ['moments', 'actions'] : ['moments'];
    this.input = inputOf(config);
    this.#reader = clipReader(config);
  }

  protected windowOf(video: VideoInput): Promise<number> {
    return this.#reader.windowOf(video);
  }

  protected checkOptions(options: MapDiffusionOptions): void {
    checkFields('localize', options, optionRules);
  }

  protected async ask(asked: readonly Ask[], request: PredictRequest): Promise<readonly Found[]> {
    const { options = {}, signal, onProgress, onWarning } = request;
    const { model, file, words } = this.loaded;
    // Either all are about a sentence, or none is: then each class is one.
    const labels = asked[0]?.query === undefined ? file.labels : undefined;
    const windows = asked.map(({ video, window, query }) => ({
      video,
      window,
      sentences: (labels?.map(sentenceOfLabel) ?? [query!]).map((text) => ({ text, windows: [] })),
    }));
    const queries = labels?.length ?? 1;
    const examples = new AskedExamples(model.config, windows, words, { queries });
    const { unknownWords } = examples;
    const warnings = await featureWarnings(model.config, asked);
    if (unknownWords.length > 0)
      warnings.push(`words without a vector, which the model cannot know: ${unknownWords.join(', ')}`);
    for (const warning of warnings) this.#warn(warning, onWarning);
    const found = await localizeMoments(model, examples, {
      ...{ steps: file.steps, ...(labels && { count: ACTIONS }), ...(options as MapDiffusionOptions) },
      ...given({ signal }),
      ...(onProgress && { onProgress: (done: number) => onProgress(done / queries, asked.length) }),
    });
    return asked.map(({ query }, i) => ({
      detections: (labels ?? [query!])
        .flatMap((label, k) => found[i * queries + k]!.map((moment): Detection => ({ label, ...moment })))
        .sort((a, b) => b.score - a.score),
    }));
  }

  #warn(warning: string, onWarning: PredictRequest['onWarning']): void {
    if (!onWarning || this.#warned.has(warning)) return;
    this.#warned.add(warning);
    onWarning(warning);
  }
}
