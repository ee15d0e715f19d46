/** Strides of features in use, in seconds, with what people call them. */
const usualStrides: readonly (readonly [seconds: number, name: string])[] = [
  ...[2, 1, 0.5, 1.5, 4, 5].map((seconds) => [seconds, `${seconds} s`] as const),
  ...[25, 30, 24, 29.97, 15, 10].flatMap((fps) =>
    [16, 8, 4, 32, 64].map((frames) => [frames / fps, `${frames} frames at ${fps} a second`] as const),
  ),
];

/** By how much of the length the rows may be off: extractors and annotations disagree about the length of a video. */
const TOLERANCE = 0.02;

/** A length of features that does not fit their video. */
export interface WrongLength {
  /** T rows take this many times the video. */
  readonly factor: number;
  /** A stride in use that fits, in words; undefined where none does. */
  readonly usual: string | undefined;
}

/**
 * Compares the number of rows with the length of the video. The last windows may be complete, cut or left out, so that the
 * number may differ by a window and a row beside the tolerance.
 * @param stride seconds from row to row
 * @param window seconds that a row is computed from
 * @returns undefined where the rows fit
 */
export function wrongLength(
  steps: number,
  duration: number,
  { stride, window }: { readonly stride: number; readonly window: number },
): WrongLength | undefined {
  if (fits(steps, duration, stride, window)) return undefined;
  // The nearest one; of several that are as near, the first.
  const distance = (seconds: number) => Math.abs(Math.log((steps * seconds) / duration));
  const [nearest, name] = usualStrides.reduce((best, one) =>
    distance(one[0]) < distance(best[0]) - 1e-3 ? one : best,
  );
  return {
    factor: (steps * stride) / duration,
    usual: fits(steps, duration, nearest, nearest) ? name : undefined,
  };
}

function fits(steps: number, duration: number, stride: number, window: number): boolean {
  const wanted = duration / stride;
  return Math.abs(steps - wanted) <= 1 + window / stride + TOLERANCE * wanted;
}
