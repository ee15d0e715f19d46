import { checkFields, integer, optional, type Rules } from '../../arguments.js';
import type { VideoInput } from '../../datasets/open-input.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import {
  type Ask,
  type Found,
  LocalizationModel,
  type ModelInput,
  type PredictRequest,
} from '../localization-model.js';
import type { ClipReader } from '../map-diffusion/clip-reader.js';
import { groundingReader } from './clip-reader.js';
import type { LoadedGrounding } from './folder.js';
import { withLabelQueries } from './label-queries.js';
import { OperandBatch } from './operand-batch.js';
import { textVectors } from './query-text.js';
import { ground, momentsOf } from './read-moments.js';

export interface GroundingOptions {
  /** Windows at a time; default 16. */
  readonly batch?: number;
}

const optionRules: Rules<GroundingOptions> = { batch: optional(integer(1)) };

/** A model that finds moments and highlights as `openModel` gives it. */
export class OpenedGrounding extends LocalizationModel {
  readonly architecture = 'cg-detr';
  readonly finds = ['moments'] as const;
  readonly input: ModelInput;
  readonly #reader: ClipReader;

  constructor(readonly loaded: LoadedGrounding) {
    super(loaded.network.runtime, loaded.network);
    const { config } = loaded.network;
    this.input = config.clips.kind;
    this.#reader = groundingReader(config);
  }

  /** Videos without queries are asked for their labels. */
  override async judgedOn(data: VideoDataset): Promise<VideoDataset> {
    return withLabelQueries(data);
  }

  protected windowOf(video: VideoInput): Promise<number> {
    return this.#reader.windowOf(video);
  }

  protected checkOptions(options: GroundingOptions): void {
    checkFields('localize', options, optionRules);
  }

  protected async ask(asked: readonly Ask[], request: PredictRequest): Promise<readonly Found[]> {
    const { options = {}, signal, onProgress } = request;
    const { batch = 16 } = options as GroundingOptions;
    const { network, words } = this.loaded;
    const { text, wholeClips = false } = network.config;
    using operands = new OperandBatch(network, Math.min(batch, asked.length));
    const found: Found[] = [];
    for (let first = 0; first < asked.length; first += operands.batch) {
      signal?.throwIfAborted();
      const examples = [];
      for (const { video, window, query, queryFeatures } of asked.slice(first, first + operands.batch)) {
        const told = { text: query!, ...(queryFeatures && { features: queryFeatures }) };
        const vectors = await textVectors(text, told, words);
        examples.push({ ...(await this.#reader.read(video, window)), text: vectors, query: query! });
      }
      operands.write(examples);
      const counts = examples.map(({ clips }) => clips);
      const grounded = await ground(network, operands.operands, counts);
      for (const [i, { clips, unit, clipSeconds = unit, duration, query }] of examples.entries()) {
        const moments = momentsOf(grounded[i]!, { clips, unit, duration, wholeClips });
        found.push({
          detections: moments.map((moment) => ({ label: query, ...moment })),
          saliency: { start: 0, stride: unit, window: clipSeconds, scores: grounded[i]!.saliency },
        });
      }
      onProgress?.(found.length, asked.length);
    }
    return found;
  }
}
