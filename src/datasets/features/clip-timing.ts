import { FileFormatError } from '../../errors.js';
import type { FeatureTiming } from './feature-source.js';

/** A video whose features are wanted. */
export interface FeatureVideo {
  readonly id: string;
  /** In seconds. */
  readonly duration: number;
  /** Frames a second, for a source whose times are in frames and that gives no rate. */
  readonly frameRate?: number;
  /** Times of the rows of this video, where they are not those of the source. */
  readonly timing?: FeatureTiming;
}

export interface ClipTiming {
  /** Seconds from the beginning of a row to that of the next. */
  readonly stride: number;
  /** Seconds that a row is computed from. */
  readonly window: number;
}

/**
 * Distance and length of the clips of a video in seconds; undefined where neither the source nor the video has times.
 * @throws FileFormatError where times are in frames and no rate is known
 */
export function clipTiming(
  source: FeatureTiming | undefined,
  { id, frameRate, timing = source }: FeatureVideo,
): ClipTiming | undefined {
  if (!timing) return undefined;
  if ('strideSeconds' in timing) {
    return { stride: timing.strideSeconds, window: timing.windowSeconds ?? timing.strideSeconds };
  }
  const rate = timing.fps ?? frameRate;
  if (rate === undefined) {
    throw new FileFormatError(
      `features of ${id}: their times are in frames, and neither their timing nor the annotations give fps`,
    );
  }
  return {
    stride: timing.strideFrames / rate,
    window: (timing.windowFrames ?? timing.strideFrames) / rate,
  };
}
