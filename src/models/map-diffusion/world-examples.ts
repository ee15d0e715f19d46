import { checkArgument, checkArguments, instanceOf, integer, someOf, text } from '../../arguments.js';
import { HostRandom } from '../../data/host-random.js';
import { WordVectors } from '../../data/text/words.js';
import type { FrameShape } from '../../data/video/frame.js';
import { actionNames } from '../../data/world/actions.js';
import { type WorldSplit, worldSeed, worldSplitRule, worldVideo } from '../../data/world/world.js';
import { OptionError } from '../../errors.js';
import { checkConfig, type FramesConfig, type MapDiffusionConfig } from './config.js';
import type { EmbeddedQuery, MomentExample, MomentExamples } from './examples.js';

/** Clips of the built-in world are a second long. */
const secondsPerClip = 1;

/** Words that no sentence of the world has more of; a test holds it. */
const longestSentence = 20;

/**
 * Videos of the built-in world as examples, rendered when they are asked for. Each has the same number of queries, some
 * of its own twice where it has fewer.
 */
export class WorldExamples implements MomentExamples {
  readonly words = longestSentence;
  readonly spans = 1;
  readonly #clips: FramesConfig;

  /** @throws OptionError where the model reads no frames, or word vectors of another size */
  constructor(
    readonly config: MapDiffusionConfig,
    readonly split: WorldSplit,
    readonly size: number,
    readonly queries: number,
    readonly table: WordVectors,
  ) {
    checkConfig(config);
    checkArguments(
      'WorldExamples',
      { split, size, queries, table },
      {
        split: worldSplitRule,
        size: integer(1),
        queries: integer(1),
        table: instanceOf(WordVectors, 'a WordVectors'),
      },
    );
    this.#clips = expectFrames(config, table);
  }

  /** @throws OptionError where there is no such example */
  example(index: number): MomentExample {
    checkArgument('WorldExamples.example', 'index', index, integer(0, this.size - 1));
    const { table, queries, split } = this;
    const video = worldVideo(worldSeed(split, index), { queries: Math.max(queries, 6) });
    const frames = video.frames(this.#clips.frames / secondsPerClip, frameShape(this.#clips));
    const order = new HostRandom(index).permutation(video.queries.length);
    const asked = Array.from({ length: queries }, (_, i): EmbeddedQuery => {
      const { query, span } = video.queries[order[i % order.length]!]!;
      return { words: table.embed(query).vectors, spans: [span] };
    });
    const classes = Array.from({ length: Math.floor(video.duration / secondsPerClip) }, (_, i) => {
      const middle = (i + 0.5) * secondsPerClip;
      return actionNames.indexOf(video.actions.find(({ end }) => end > middle)!.name);
    });
    return { ...videoOf(this.config, frames, video.duration), queries: asked, classes };
  }
}

/** Videos of the built-in world with any sentences, as many for each; which moments they ask for is not known. */
export class WorldSentences implements MomentExamples {
  readonly size: number;
  readonly queries: number;
  readonly words: number;
  readonly spans = 1;
  readonly #clips: FramesConfig;
  readonly #vectors: readonly (readonly Float32Array[])[];

  /**
   * @param sentences of each video of the split, from the first on; equally many for each
   * @throws OptionError as `WorldExamples`, and where the videos have different numbers of sentences
   */
  constructor(
    readonly config: MapDiffusionConfig,
    readonly split: WorldSplit,
    sentences: readonly (readonly string[])[],
    table: WordVectors,
  ) {
    checkConfig(config);
    checkArguments(
      'WorldSentences',
      { split, sentences, table },
      {
        split: worldSplitRule,
        sentences: someOf(someOf(text)),
        table: instanceOf(WordVectors, 'a WordVectors'),
      },
    );
    this.#clips = expectFrames(config, table);
    const embedded = sentences.map((own) => own.map((sentence) => table.embed(sentence)));
    this.size = sentences.length;
    this.queries = sentences[0]!.length;
    if (sentences.some(({ length }) => length !== this.queries)) {
      throw new OptionError('WorldSentences: sentences must be equally many for each video, at least one');
    }
    this.words = Math.max(...embedded.flat().map(({ words }) => words.length));
    this.#vectors = embedded.map((own) => own.map(({ vectors }) => vectors));
  }

  /** @throws OptionError where there is no such example */
  example(index: number): MomentExample {
    checkArgument('WorldSentences.example', 'index', index, integer(0, this.size - 1));
    const video = worldVideo(worldSeed(this.split, index));
    const frames = video.frames(this.#clips.frames / secondsPerClip, frameShape(this.#clips));
    const queries = this.#vectors[index]!.map((words): EmbeddedQuery => ({ words, spans: [] }));
    return { ...videoOf(this.config, frames, video.duration), queries };
  }
}

/** A video from its grey frames, `frames` of them a clip. @throws OptionError where it is longer than the model's window */
export function videoOf(
  config: MapDiffusionConfig,
  frames: Uint8Array,
  seconds: number,
): Pick<MomentExample, 'video' | 'clips' | 'unit' | 'duration'> {
  const { channels, size, frames: each } = config.clips as FramesConfig;
  const { clips } = config.layout;
  const used = Math.max(1, Math.round(seconds / secondsPerClip));
  if (used > clips)
    throw new OptionError(`a video of ${seconds} s: the model sees ${clips * secondsPerClip} s`);
  const plane = size[0] * size[1];
  const video = new Float32Array(clips * each * channels * plane);
  video.set(pixelsOf(frames.subarray(0, used * each * plane), plane));
  return { video, clips: used, unit: secondsPerClip, duration: seconds };
}

/**
 * Frames as the network sees them, (frames, 2, plane): the brightness of each pixel, less the mean of the video and over
 * its deviation, and how it differs from the same pixel's mean over the video, over the deviation of that. A video's own
 * light and background then say nothing about what is done in it.
 */
function pixelsOf(frames: Uint8Array, plane: number): Float32Array {
  const count = frames.length / plane;
  const background = new Float64Array(plane);
  for (let i = 0; i < frames.length; i++) background[i % plane]! += frames[i]! / count;
  const mean = background.reduce((sum, value) => sum + value, 0) / plane;
  let [square, differing] = [0, 0];
  for (let i = 0; i < frames.length; i++) {
    square += (frames[i]! - mean) ** 2;
    differing += (frames[i]! - background[i % plane]!) ** 2;
  }
  // A video of one colour stays at 0.
  const scales = [square, differing].map((sum) => 1 / Math.max(1, Math.sqrt(sum / frames.length)));
  const pixels = new Float32Array(2 * frames.length);
  for (let i = 0; i < frames.length; i++) {
    const at = 2 * plane * Math.floor(i / plane) + (i % plane);
    pixels[at] = (frames[i]! - mean) * scales[0]!;
    pixels[at + plane] = (frames[i]! - background[i % plane]!) * scales[1]!;
  }
  return pixels;
}

/** Seconds that a model of frames sees at a time. */
export const windowSeconds = ({ layout }: MapDiffusionConfig): number => layout.clips * secondsPerClip;

/** What a renderer or a decoder must give for `videoOf`, and how many frames a second. */
export function framesWanted(config: MapDiffusionConfig): {
  readonly shape: FrameShape;
  readonly rate: number;
} {
  const clips = config.clips as FramesConfig;
  return { shape: frameShape(clips), rate: clips.frames / secondsPerClip };
}

function frameShape({ size: [height, width] }: FramesConfig): FrameShape {
  return { height, width, channels: 1 };
}

function expectFrames({ clips, words }: MapDiffusionConfig, table: WordVectors): FramesConfig {
  if (clips.kind !== 'frames' || clips.channels !== 2) {
    throw new OptionError('looking at frames takes a model of frames with two numbers a pixel');
  }
  if (table.dimensions !== words.size) {
    throw new OptionError(
      `the model reads word vectors of ${words.size} numbers, these have ${table.dimensions}`,
    );
  }
  return clips;
}
