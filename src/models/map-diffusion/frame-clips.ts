import type { FrameShape } from '../../data/video/frame.js';
import { OptionError } from '../../errors.js';
import type { FramesConfig, MapDiffusionConfig } from './config.js';
import type { MomentExample } from './examples.js';

/** Seconds of a clip of frames. */
const secondsPerClip = 1;

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

/**
 * What a decoder must give for `videoOf`, and how many frames a second.
 * @throws OptionError where the model does not read frames with two numbers a pixel
 */
export function framesWanted({ clips }: MapDiffusionConfig): {
  readonly shape: FrameShape;
  readonly rate: number;
} {
  if (clips.kind !== 'frames' || clips.channels !== 2) {
    throw new OptionError('looking at frames takes a model of frames with two numbers a pixel');
  }
  const [height, width] = clips.size;
  return { shape: { height, width, channels: 1 }, rate: clips.frames / secondsPerClip };
}
