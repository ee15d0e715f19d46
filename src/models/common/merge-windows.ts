import { checkArguments, listOf, objectWith, positive, spanOf } from '../../arguments.js';
import { spanWithin } from '../../data/annotations/question-answer.js';
import type { Segment } from '../../time/segment.js';
import { type Detection, detectionRule, softSuppress } from '../../time/segment.js';

/** What was found in a window of a video. */
export interface WindowDetections {
  /** [start, end] of the window, in seconds of the video. */
  readonly excerpt: Segment;
  /** In seconds of the window. */
  readonly detections: readonly Detection[];
}

const windowRule = objectWith<WindowDetections>({ excerpt: spanOf(), detections: listOf(detectionRule) });

/**
 * Joins what was found in overlapping windows of one video: times become those of the video, cut to the window, and
 * Gaussian soft-NMS lowers, within each class, the score of what was found twice. What has no length is left out.
 * @param sigma of the soft-NMS; 0.5 as in its paper
 * @returns by falling score, in seconds of the video
 * @throws OptionError where `sigma` is not positive
 */
export function mergeWindows(windows: readonly WindowDetections[], sigma = 0.5): Detection[] {
  checkArguments('mergeWindows', { windows, sigma }, { windows: listOf(windowRule), sigma: positive });
  const byLabel = new Map<string, Detection[]>();
  for (const { excerpt, detections } of windows) {
    const [from, to] = excerpt;
    for (const { label, score, segment } of detections) {
      const within = spanWithin(...segment, to - from);
      if (!within) continue;
      const group = byLabel.get(label) ?? [];
      byLabel.set(label, group);
      group.push({ label, score, segment: [from + within[0], Math.min(to, from + within[1])] });
    }
  }
  return [...byLabel.values()]
    .flatMap((detections) => softSuppress(detections, sigma))
    .sort((a, b) => b.score - a.score);
}
