import { OptionError } from '../../errors.js';

/** The size of a frame of `height` x `width` x `channels` bytes, rows from the top, channels innermost. */
export interface FrameShape {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: 1 | 3;
}

/** How bright red, green and blue seem beside each other (ITU-R BT.601). */
export const LUMA = [0.299, 0.587, 0.114] as const;

/** How many frames a video has at a rate: those at 0, 1 / rate, … that begin before its end. */
export function frameCount(seconds: number, rate: number): number {
  // The length of a file is a multiple of its clock's tick: less than a thousandth of a frame is no frame.
  return Math.max(1, Math.ceil(seconds * rate - 1e-3));
}

/** @throws OptionError where that is no rate */
export function checkRate(rate: number): void {
  if (!(rate > 0 && rate < Infinity)) {
    throw new OptionError(`a rate is a positive number of frames a second, not ${rate}`);
  }
}

/** @throws OptionError where a frame cannot have that size */
export function checkFrameShape({ width, height, channels }: FrameShape): void {
  const positive = [width, height].every((size) => Number.isInteger(size) && size > 0);
  if (!positive || (channels !== 1 && channels !== 3)) {
    throw new OptionError(
      `a frame has a height, a width and 1 or 3 channels, not ${height} x ${width} x ${channels}`,
    );
  }
}
