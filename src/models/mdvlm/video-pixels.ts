import { uniformFrames } from '../../data/uniform-frames.js';
import type { Video } from '../../data/video.js';
import { concat } from '../../ops/concat.js';
import { resamplePixels } from '../../ops/resample-pixels.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

export interface VideoPixelsOptions {
  /** Default 32, what LLaDA-V was trained with. */
  readonly frames?: number;
  /** Side of the square that each frame becomes; default 384. */
  readonly size?: number;
}

export interface VideoPixels {
  /** (frames, 3, size, size) f32, colours from −1 to 1: what a `VisualEncoder` takes. */
  readonly pixels: Tensor;
  /** When each of the frames begins to be shown. */
  readonly seconds: readonly number[];
}

/**
 * Evenly spaced frames of a video, the first and the last among them (`uniformFrames`), as SigLIP takes them: each
 * resampled as a whole to a square (`resamplePixels`), with mean and deviation 1/2.
 * @throws FileFormatError where the video is damaged, OptionError where a size is out of range
 */
export async function videoPixels(
  runtime: Runtime,
  video: Video,
  { frames = 32, size = 384 }: VideoPixelsOptions = {},
): Promise<VideoPixels> {
  const times = await video.frameTimes();
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
