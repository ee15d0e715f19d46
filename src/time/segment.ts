import {
  checkArguments,
  number,
  numberIn,
  objectWith,
  type Rule,
  type Rules,
  spanOf,
  text,
} from '../arguments.js';

/**
 * A segment of time, [start, end], start at most end. In seconds of the video, unless the name of what holds it tells
 * another unit (clips, steps).
 */
export type Segment = readonly [start: number, end: number];

/** A segment with a confidence; higher is better. */
export interface ScoredSegment {
  readonly segment: Segment;
  readonly score: number;
}

/** What happens in a segment of a video. */
export interface LabelledSegment {
  readonly label: string;
  readonly segment: Segment;
}

/** A labelled segment that was found, with its confidence; any finite number, higher is better. */
export interface Detection extends LabelledSegment, ScoredSegment {}

export const segmentRule: Rule<Segment> = spanOf();

export const scoredSegmentRules: Rules<ScoredSegment> = { segment: segmentRule, score: number };

export const labelledSegmentRule: Rule<LabelledSegment> = objectWith<LabelledSegment>({
  label: text,
  segment: segmentRule,
});

export const detectionRule: Rule<Detection> = objectWith<Detection>({ label: text, ...scoredSegmentRules });

/**
 * Temporal intersection over union of two segments, in [0, 1]; 0 where both are empty.
 * @param extent added to each length and to the overlap: 0 for continuous time, 1 where bounds are indices of
 *   snippets and the last one counts, as in the soft-NMS of the CO2-Net code
 * @throws OptionError
 */
export function temporalIoU(a: Segment, b: Segment, extent = 0): number {
  checkArguments('temporalIoU', { a, b, extent }, { a: segmentRule, b: segmentRule, extent: numberIn(0) });
  return overlap(a, b, extent);
}

/** `temporalIoU` of segments that are known to be sound: it is the innermost loop of metrics and suppression. */
export function overlap([startA, endA]: Segment, [startB, endB]: Segment, extent = 0): number {
  const intersection = Math.max(0, Math.min(endA, endB) - Math.max(startA, startB) + extent);
  const union = endA - startA + (endB - startB) + 2 * extent - intersection;
  return union > 0 ? intersection / union : 0;
}

const byScore = (a: ScoredSegment, b: ScoredSegment): number => b.score - a.score;

/**
 * Greedy non-maximum suppression: from the best on, a segment is kept unless it overlaps a kept one by more
 * than `threshold` (2D-TAN). Equal scores keep their order.
 * @returns the kept segments by falling score
 */
export function suppress<T extends ScoredSegment>(segments: readonly T[], threshold: number): T[] {
  const kept: T[] = [];
  for (const candidate of [...segments].sort(byScore)) {
    if (kept.every(({ segment }) => overlap(segment, candidate.segment) <= threshold)) kept.push(candidate);
  }
  return kept;
}

/**
 * Gaussian soft-NMS (Bodla et al., ICCV 2017, on the time axis): time after time the best segment is
 * taken out, and the scores s of those left are multiplied by exp(-tIoU^2 / sigma). Nothing is dropped.
 * @param extent see `temporalIoU`
 * @returns the segments with their new scores, in the order in which they were taken
 */
export function softSuppress<T extends ScoredSegment>(
  segments: readonly T[],
  sigma: number,
  extent = 0,
): T[] {
  const left = segments.map((segment) => ({ ...segment }));
  const taken: T[] = [];
  while (left.length > 0) {
    const best = left.reduce((at, { score }, i) => (score > left[at]!.score ? i : at), 0);
    const [chosen] = left.splice(best, 1) as [T & { score: number }];
    taken.push(chosen);
    for (let i = 0; i < left.length; i++) {
      const iou = overlap(chosen.segment, left[i]!.segment, extent);
      left[i] = { ...left[i]!, score: left[i]!.score * Math.exp((-iou * iou) / sigma) };
    }
  }
  return taken;
}
