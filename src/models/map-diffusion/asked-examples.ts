import type { HostRandom } from '../../data/host-random.js';
import type { WordVectors } from '../../data/text/words.js';
import type { VideoInput } from '../../datasets/open-input.js';
import type { VideoItem } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { LabelledSegment, Segment } from '../../time/segment.js';
import { clipReader } from './clip-reader.js';
import type { MapDiffusionConfig } from './config.js';
import { type MomentExample, type ReadExamples, unknownClass } from './examples.js';

/** A sentence about a window of a video. */
export interface AskedSentence {
  readonly text: string;
  /** The moments of which it is true, in seconds of the window; empty where they are not known. */
  readonly windows: readonly Segment[];
}

/** A window of a video with what is asked about it. */
export interface AskedWindow {
  readonly video: VideoInput & Partial<Pick<VideoItem, 'annotations'>>;
  /** In seconds of the video. */
  readonly window: Segment;
  /** At least one. */
  readonly sentences: readonly AskedSentence[];
}

export interface AskedOptions {
  /** Names of the classes that the model recognizes in clips, for training with labelled segments. */
  readonly classes?: readonly string[];
  /** Sentences of each example, some twice where a window has fewer; default 1. */
  readonly queries?: number;
}

/**
 * Windows of videos with sentences about them, read when they are needed. In training (`random`), the sentences of an example are
 * drawn from those of its window, and a window that is longer than the model sees is cut at a random place that keeps at
 * least a part of a moment; moments are cut with it (MS-2D-TAN).
 */
export class AskedExamples implements ReadExamples {
  readonly size: number;
  readonly queries: number;
  readonly words: number;
  readonly spans: number;
  /** Words of the sentences that the table lacks; their vectors are zeros. */
  readonly unknownWords: readonly string[];
  readonly #vectors: ReadonlyMap<string, Float32Array>;
  readonly #reader;

  readonly #classes: readonly string[];

  /** @throws OptionError where a sentence has no word that the table has */
  constructor(
    readonly config: MapDiffusionConfig,
    readonly asked: readonly AskedWindow[],
    table: WordVectors,
    { classes = [], queries = 1 }: AskedOptions = {},
  ) {
    if (table.dimensions !== config.words.size) {
      throw new OptionError(
        `the model reads word vectors of ${config.words.size} numbers (words.size), these have ${table.dimensions}`,
      );
    }
    const sentences = asked.flatMap((window) => window.sentences);
    // Windows of a long video, and questions about one, often have the same sentence.
    const embedded = new Map(sentences.map(({ text }) => [text, table.embed(text)]));
    for (const [text, { words, unknown }] of embedded) {
      if (words.every((word) => unknown.includes(word)))
        throw new OptionError(`the model knows no word of the query ${JSON.stringify(text)}`);
    }
    this.size = asked.length;
    this.queries = queries;
    this.#classes = classes;
    this.words = Math.max(1, ...[...embedded.values()].map(({ words }) => words.length));
    this.spans = Math.max(1, ...sentences.map(({ windows }) => windows.length));
    this.unknownWords = [...new Set([...embedded.values()].flatMap(({ unknown }) => unknown))].sort();
    this.#vectors = new Map([...embedded].map(([text, { vectors }]) => [text, vectors]));
    this.#reader = clipReader(config);
  }

  async example(index: number, random?: HostRandom): Promise<MomentExample> {
    const { video, window: asked, sentences: all } = this.asked[index]!;
    const order = random?.permutation(all.length) ?? [...all.keys()];
    const sentences = Array.from({ length: this.queries }, (_, i) => all[order[i % order.length]!]!);
    const [from] = asked;
    const window = random ? await this.#crop(video, asked, sentences, random) : asked;
    const [start, end] = [window[0] - from, window[1] - from];
    const seen = await this.#reader.read(video, window);
    const classes = this.#classesOf(video.annotations?.segments, window[0], seen);
    return {
      ...seen,
      queries: sentences.map(({ text, windows }) => ({
        words: this.#vectors.get(text)!,
        spans: windows.flatMap((span): Segment[] => {
          const cut: Segment = [Math.max(span[0], start) - start, Math.min(span[1], end) - start];
          return cut[0] < cut[1] ? [cut] : [];
        }),
      })),
      ...(classes && { classes }),
    };
  }

  /** A part of a window that is as long as the model sees. */
  async #crop(
    video: VideoInput,
    [from, to]: Segment,
    sentences: readonly AskedSentence[],
    random: HostRandom,
  ): Promise<Segment> {
    const length = await this.#reader.windowOf(video);
    if (to - from <= length + 1e-3) return [from, to];
    const moments = sentences.flatMap(({ windows }) => windows);
    const [start, end] = moments.length > 0 ? random.choose(moments) : [0, to - from];
    // At least a tenth of what the model sees, or of the moment, lies within.
    const least = 0.1 * Math.min(length, end - start);
    const first = Math.max(0, start + least - length);
    const last = Math.min(to - from - length, end - least);
    const place = from + first + random.uniform() * Math.max(0, last - first);
    // Where a row begins: clips and moments would be up to half a row apart otherwise.
    const step = await this.#reader.stepOf(video);
    const begin = Math.round(place / step) * step;
    return [begin, begin + length];
  }

  #classesOf(
    segments: readonly LabelledSegment[] | undefined,
    start: number,
    { clips, unit }: Pick<MomentExample, 'clips' | 'unit'>,
  ): number[] | undefined {
    if (!segments || this.#classes.length === 0) return undefined;
    return Array.from({ length: clips }, (_, i) => {
      const seconds = start + (i + 0.5) * unit;
      const found = segments.find(({ segment: [from, to] }) => from <= seconds && seconds < to);
      return found ? this.#classes.indexOf(found.label) : unknownClass;
    });
  }
}
