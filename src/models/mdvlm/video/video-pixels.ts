import { type Abortable, abortRules } from '../../../abort.js';
import {
  callback,
  checkArguments,
  checkFields,
  integer,
  objectWith,
  optional,
  positive,
  type Rule,
  type Rules,
  spanOf,
} from '../../../arguments.js';
import { uniformFrames } from '../../../data/video/uniform-frames.js';
import type { Video } from '../../../data/video/video.js';
import { OptionError } from '../../../errors.js';
import { concat } from '../../../ops/array/concat.js';
import { resamplePixels } from '../../../ops/image/resample-pixels.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { Segment } from '../../../time/segment.js';

export interface VideoPixelsOptions extends Abortable {
  /** Default 32, what LLaDA-V was trained with. */
  readonly frames?: number;
  /** Side of the square that each frame becomes; default 384. */
  readonly size?: number;
  /** [start, end] in seconds: only frames that begin to be shown within, or else the one that is shown. */
  readonly excerpt?: Segment;
}

export interface VideoPixels {
  /** (frames, 3, size, size) f32, colours from −1 to 1: what a `VisualEncoder` takes. */
  readonly pixels: Tensor;
  /** When each of the frames begins to be shown, in seconds of the video. */
  readonly seconds: readonly number[];
}

export const videoRule: Rule<Video> = objectWith<Pick<Video, 'duration' | 'frameTimes' | 'pictures'>>(
  { duration: positive, frameTimes: callback, pictures: callback },
  'a video (openVideo)',
) as Rule<Video>;

const pixelRules: Rules<VideoPixelsOptions> = {
  frames: optional(integer(1)),
  size: optional(integer(1)),
  excerpt: optional(spanOf()),
  ...abortRules,
};

/**
 * Evenly spaced frames of a video or of an excerpt, the first and the last among them (`uniformFrames`), as SigLIP takes
 * them: each resampled as a whole to a square (`resamplePixels`), with mean and deviation 1/2.
 * @throws FileFormatError where the video is damaged, OptionError where a size is out of range or nothing of the excerpt is in
 * the video
 */
export async function videoPixels(
  runtime: Runtime,
  video: Video,
  options: VideoPixelsOptions = {},
): Promise<VideoPixels> {
  checkArguments('videoPixels', { runtime, video }, { runtime: anyRuntime, video: videoRule });
  checkFields('videoPixels', options, pixelRules);
  const { frames = 32, size = 384, excerpt = [0, Infinity], signal } = options;
  signal?.throwIfAborted();
  const times = within(await video.frameTimes(), excerpt, video.duration);
  const seconds = uniformFrames(times.length, frames).map((frame) => times[frame]!);
  const squares: Tensor[] = [];
  try {
    for await (const picture of video.pictures(seconds)) {
      squares.push(
        runtime.scope(() => {
          const { width, height, pixels } = picture;
          const words = new Uint32Array(pixels.buffer, pixels.byteOffset, width * height);
          const whole = runtime.tensor(words, [1, height, width], 'u32');
          return resamplePixels(whole, { height: size, width: size, mean: 0.5, deviation: 0.5 });
        }),
      );
      // The device works while the next picture is decoded, and only one waits in memory.
      await runtime.flush();
      signal?.throwIfAborted();
    }
    return { pixels: concat(squares, 0), seconds };
  } finally {
    for (const square of squares) square.dispose();
  }
}

/**
 * The times within an excerpt. Where no frame begins in it, the one that is shown; the first where the picture begins
 * later, as `Video.pictures` gives it.
 */
function within(times: readonly number[], [start, end]: Segment, duration: number): readonly number[] {
  if (!(start < Math.min(end, duration) && end > 0)) {
    throw new OptionError(`the video shows nothing from ${start} to ${end} s: it is ${duration} s long`);
  }
  const inside = times.filter((time) => time >= start && time < end);
  return inside.length > 0 ? inside : [times.findLast((time) => time < start) ?? times[0]!];
}
