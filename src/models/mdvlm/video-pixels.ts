import type { Span } from '../../data/json-record.js';
import { uniformFrames } from '../../data/uniform-frames.js';
import type { Video } from '../../data/video.js';
import { OptionError } from '../../errors.js';
import { concat } from '../../ops/concat.js';
import { resamplePixels } from '../../ops/resample-pixels.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface VideoPixelsOptions {
  /** Default 32, what LLaDA-V was trained with. */
  readonly frames?: number;
  /** Side of the square that each frame becomes; default 384. */
  readonly size?: number;
  /** [start, end] in seconds: only frames that begin to be shown within, or else the one that is shown at its start. */
  readonly excerpt?: Span;
}

export interface VideoPixels {
  /** (frames, 3, size, size) f32, colours from −1 to 1: what a `VisualEncoder` takes. */
  readonly pixels: Tensor;
  /** When each of the frames begins to be shown, in seconds from the first of the video. */
  readonly seconds: readonly number[];
}

/**
 * Evenly spaced frames of a video or of an excerpt, the first and the last among them (`uniformFrames`), as SigLIP takes
 * them: each resampled as a whole to a square (`resamplePixels`), with mean and deviation 1/2.
 * @throws FileFormatError where the video is damaged, OptionError where a size is out of range or the excerpt has no frame
 */
export async function videoPixels(
  runtime: Runtime,
  video: Video,
  { frames = 32, size = 384, excerpt = [0, Infinity] }: VideoPixelsOptions = {},
): Promise<VideoPixels> {
  const times = within(await video.frameTimes(), excerpt);
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
    }
    return { pixels: concat(squares, 0), seconds };
  } finally {
    for (const square of squares) square.dispose();
  }
}

/** The times within an excerpt; a frame that begins before it may be all that it shows. */
function within(times: readonly number[], [start, end]: Span): readonly number[] {
  const inside = times.filter((time) => time >= start && time < end);
  if (inside.length > 0) return inside;
  const shown = times.findLast((time) => time < start);
  if (shown !== undefined) return [shown];
  throw new OptionError(`the video shows nothing from ${start} to ${end} s`);
}
