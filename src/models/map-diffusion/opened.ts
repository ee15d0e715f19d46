import { checkFields, integer, numberIn, optional, type Rules } from '../../arguments.js';
import type { VideoInput } from '../../datasets/open-input.js';
import { given } from '../../tensor/given.js';
import type { Detection } from '../../time/segment.js';
import { type Ask, type Found, LocalizationModel, type PredictRequest } from '../localization-model.js';
import { AskedExamples } from './asked-examples.js';
import { type ClipReader, clipReader } from './clip-reader.js';
import { type LocalizeMomentsOptions, localizeMoments } from './localize.js';
import type { LoadedMapDiffusion } from './model-folder.js';
import { rankingRules } from './ranking.js';

/** How moments are sampled and ranked; by default as `config.json` says. */
export type MapDiffusionOptions = Omit<LocalizeMomentsOptions, 'onProgress' | 'signal'>;

const { durations: _, ...ranking } = rankingRules;

const optionRules: Rules<MapDiffusionOptions> = {
  ...ranking,
  steps: optional(integer(1)),
  eta: optional(numberIn(0, 1)),
  batch: optional(integer(1)),
  seed: optional(integer(0)),
};

/** A model of 2D temporal maps as `openModel` gives it. */
export class OpenedMapDiffusion extends LocalizationModel {
  readonly architecture = 'map-diffusion';
  readonly finds = ['moments'] as const;
  readonly input;
  readonly #reader: ClipReader;

  constructor(readonly loaded: LoadedMapDiffusion) {
    super(loaded.model.runtime, loaded.model);
    const { config } = loaded.model;
    this.input = config.clips.kind === 'frames' ? ('video' as const) : config.clips.kind;
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
    const windows = asked.map(({ video, window, query }) => ({
      video,
      window,
      sentences: [{ text: query!, windows: [] }],
    }));
    const examples = new AskedExamples(model.config, windows, words);
    if (examples.unknownWords.length > 0) {
      onWarning?.(`words without a vector, which the model cannot know: ${examples.unknownWords.join(', ')}`);
    }
    const found = await localizeMoments(model, examples, {
      ...{ steps: file.steps, ...(options as MapDiffusionOptions) },
      ...given({ signal }),
      ...(onProgress && { onProgress: (done: number) => onProgress(done, asked.length) }),
    });
    return found.map((moments, i) => ({
      detections: moments.map((moment): Detection => ({ label: asked[i]!.query!, ...moment })),
    }));
  }
}
