import { type FrameShape, LUMA } from './frame.js';

/** What an output pixel takes from a line of input pixels: `weights` from `first` on, of sum 1. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * Brings frames of one size to another: each output pixel is the mean of the area that it covers. Proportions
 * are not kept.
 * @returns a function from `sourceHeight` x `sourceWidth` x 4 bytes (red, green, blue, anything) to a frame
 */
export function frameResizer(
  sourceWidth: number,
  sourceHeight: number,
  { width, height, channels }: FrameShape,
): (rgba: Uint8Array) => Uint8Array {
  const columns = areaTaps(sourceWidth, width);
  const rows = areaTaps(sourceHeight, height);
  const narrow = new Float32Array(sourceHeight * width * channels);
  return (rgba) => {
    for (let y = 0, to = 0; y < sourceHeight; y++) {
      for (const { first, weights } of columns) {
        let [red, green, blue] = [0, 0, 0];
        let from = (y * sourceWidth + first) * 4;
        for (const weight of weights) {
          red += weight * rgba[from]!;
          green += weight * rgba[from + 1]!;
          blue += weight * rgba[from + 2]!;
          from += 4;
        }
        if (channels === 1) narrow[to++] = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue;
        else {
          narrow[to++] = red;
          narrow[to++] = green;
          narrow[to++] = blue;
        }
      }
    }
    const stride = width * channels;
    const frame = new Uint8Array(height * stride);
    for (const [y, { first, weights }] of rows.entries()) {
      for (let i = 0; i < stride; i++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * narrow[(first + k) * stride + i]!;
        frame[y * stride + i] = Math.round(sum);
      }
    }
    return frame;
  };
}

/** For each of `to` equal parts of a line of `from` pixels: which pixels it covers, and how far. */
function areaTaps(from: number, to: number): Taps[] {
  const extent = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * extent, (i + 1) * extent];
    const first = Math.floor(start);
    const last = Math.max(first, Math.min(from, Math.ceil(end - 1e-9)) - 1);
    const weights = Array.from({ length: last - first + 1 }, (_, k) => {
      const covered = Math.min(end, first + k + 1) - Math.max(start, first + k);
      return covered / extent;
    });
    return { first, weights };
  });
}

/** How a picture has to be turned to stand as players show it. */
export interface Orientation {
  /** Quarters of a turn clockwise. */
  readonly quarters: number;
  /** Then mirrored from left to right. */
  readonly mirrored: boolean;
}

/** Turns a frame of any number of bytes a pixel. The sizes are those of the result. */
export function turnFrame(
  pixels: Uint8Array,
  { quarters, mirrored }: Orientation,
  { width, height, channels }: { readonly width: number; readonly height: number; readonly channels: number },
): Uint8Array {
  if (quarters % 4 === 0 && !mirrored) return pixels;
  const turned = new Uint8Array(pixels.length);
  const sourceWidth = quarters % 2 === 0 ? width : height;
  for (let y = 0; y < height; y++) {
    for (let column = 0; column < width; column++) {
      const x = mirrored ? width - 1 - column : column;
      const [fromX, fromY] = [
        [x, y],
        [y, width - 1 - x],
        [width - 1 - x, height - 1 - y],
        [height - 1 - y, x],
      ][quarters % 4] as [number, number];
      const from = (fromY * sourceWidth + fromX) * channels;
      turned.set(pixels.subarray(from, from + channels), (y * width + column) * channels);
    }
  }
  return turned;
}
