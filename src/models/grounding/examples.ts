import type { HostRandom } from '../../data/host-random.js';
import type { WordVectors } from '../../data/text/words.js';
import type { ClipScores, VideoItem } from '../../datasets/video-dataset.js';
import type { Segment } from '../../time/segment.js';
import { augmentSignal, type SignalAugmentation } from '../common/signal-augmentation.js';
import { readWindow } from '../map-diffusion/asked-windows.js';
import { groundingReader } from './clip-reader.js';
import { type ClipTargets, clipTargets } from './clip-targets.js';
import type { GroundingConfig } from './config.js';
import type { PriorReader, WindowPriors } from './priors/prior-reader.js';
import { type AskedText, textVectors } from './query-text.js';

/** A text about a video, and what is true of it. */
export interface AskedVideo extends AskedText {
  readonly video: VideoItem;
  /** In seconds of the video. */
  readonly excerpt: Segment;
  /** Moments, in seconds of the excerpt. */
  readonly windows: readonly Segment[];
  /** In seconds of the excerpt. */
  readonly saliency?: ClipScores;
}

/** An example as the network takes it. */
export interface GroundingExample {
  /** The video, so that others can be told from it. */
  readonly id: string;
  /** As `GroundingNetwork.videoShape` says for one video. */
  readonly video: Float32Array;
  /** Clips that are not padding. */
  readonly clips: number;
  /** [words, channels]. */
  readonly text: Float32Array;
  readonly targets: ClipTargets;
  /** Where there are priors. */
  readonly priors?: WindowPriors;
}

export interface ExampleOptions {
  /** The lowest and the highest score that an annotator gives a clip. */
  readonly scores: readonly [number, number];
  readonly augment?: SignalAugmentation | undefined;
  /** Where losses learn from priors. */
  readonly priors?: PriorReader | undefined;
}

/** Texts about videos, read when they are needed. */
export class GroundingExamples {
  readonly #reader;

  constructor(
    readonly config: GroundingConfig,
    readonly asked: readonly AskedVideo[],
    readonly table: WordVectors,
    readonly options: ExampleOptions,
  ) {
    this.#reader = groundingReader(config);
  }

  /**
   * An example for training: a window that is longer than the model sees is cut at a random place that keeps at least a part of a moment.
   * @throws what reading throws; OptionError, ShapeError where video or text is not the model's
   */
  async read(index: number, random: HostRandom): Promise<GroundingExample> {
    const asked = this.asked[index]!;
    const { video, excerpt, windows, saliency, text: sentence } = asked;
    const question = { video, window: excerpt, sentences: [{ text: sentence, windows }] };
    const [read, text] = await Promise.all([
      readWindow(this.#reader, question, [], random),
      textVectors(this.config.text, asked, this.table),
    ]);
    const { augment, scores, priors } = this.options;
    if (augment) augmentSignal(read.video, this.config.clips.channels, augment, random);
    const before = read.window[0] - excerpt[0];
    const shifted = saliency && {
      ...saliency,
      clips: saliency.clips.map(([start, end]): Segment => [start - before, end - before]),
    };
    const seen = read.sentences[0]!.windows;
    const targets = clipTargets(read, seen, shifted, scores, random);
    return {
      ...{ id: video.id, video: read.video, clips: read.clips, text, targets },
      ...(priors && { priors: await priors.read(video.id, read, random) }),
    };
  }
}
