/** A number for each clip of a video. Only the order of the numbers means something. */
export interface ClipCurve {
  /** In seconds of the video, or of the excerpt: the beginning of the first clip. */
  readonly start: number;
  /** Seconds from clip to clip. */
  readonly stride: number;
  /** Seconds of a clip: clips may overlap. */
  readonly window: number;
  readonly scores: readonly number[];
}

/** The curves of windows of one video, all of one stride and window, as one: where they overlap their mean, 0 where there is none. */
export function joinCurves(curves: readonly ClipCurve[]): ClipCurve {
  const start = Math.min(...curves.map((curve) => curve.start));
  const { stride, window } = curves[0]!;
  const sums: number[] = [];
  const counts: number[] = [];
  for (const curve of curves) {
    const first = Math.round((curve.start - start) / stride);
    for (const [i, score] of curve.scores.entries()) {
      sums[first + i] = (sums[first + i] ?? 0) + score;
      counts[first + i] = (counts[first + i] ?? 0) + 1;
    }
  }
  return { start, stride, window, scores: Array.from(sums, (sum, i) => (sum ?? 0) / (counts[i] ?? 1)) };
}
