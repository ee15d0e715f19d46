import { checkArguments, listOf, mapOf, numberIn } from '../arguments.js';
import {
  type Detection,
  detectionRule,
  type LabelledSegment,
  labelledSegmentRule,
  overlap,
  type Segment,
} from '../time/segment.js';

/** How the best predictions lie to the true segments; counts of true segments. */
export interface ExtentErrors {
  readonly truths: number;
  /** No prediction that counts overlaps it. */
  readonly missed: number;
  /** Its prediction covers less than the threshold of it. */
  readonly incomplete: number;
  /** Of its prediction, less than the threshold lies within it. */
  readonly overComplete: number;
}

/**
 * Counts true segments whose prediction is incomplete or over-complete (our definition; the terms are those of MLLM4WTAL).
 *
 * In each video as many predictions of a class count as it has true segments of it, those with the highest scores. Of
 * them the prediction of a true segment is the one with the largest temporal IoU; of equal ones that with the highest
 * score. It may be that of several. It is incomplete where it covers less than `threshold` of the true segment, and
 * over-complete where less than `threshold` of it lies within the true segment; it may be both, and where the temporal
 * IoU is at least `threshold` it is neither.
 * @param predictions by video
 * @param truths by video; the videos that are evaluated
 * @param threshold in (0, 1]; default .5
 * @throws OptionError
 */
export function extentErrors(
  predictions: ReadonlyMap<string, readonly Detection[]>,
  truths: ReadonlyMap<string, readonly LabelledSegment[]>,
  threshold = 0.5,
): ExtentErrors {
  checkArguments(
    'extentErrors',
    { predictions, truths, threshold },
    {
      predictions: mapOf(listOf(detectionRule)),
      truths: mapOf(listOf(labelledSegmentRule)),
      threshold: numberIn(0, 1),
    },
  );
  const counts = { truths: 0, missed: 0, incomplete: 0, overComplete: 0 };
  for (const [video, actions] of truths) {
    for (const label of new Set(actions.map((action) => action.label))) {
      const own = actions.filter((action) => action.label === label);
      const counted = (predictions.get(video) ?? [])
        .filter((one) => one.label === label)
        .sort((a, b) => b.score - a.score)
        .slice(0, own.length);
      for (const { segment } of own) {
        counts.truths++;
        const found = nearest(counted, segment);
        if (!found) {
          counts.missed++;
          continue;
        }
        const common = Math.min(found[1], segment[1]) - Math.max(found[0], segment[0]);
        if (common < threshold * (segment[1] - segment[0])) counts.incomplete++;
        if (common < threshold * (found[1] - found[0])) counts.overComplete++;
      }
    }
  }
  return counts;
}

/** The segment that overlaps most, of equal ones the first; undefined where none does. */
function nearest(ranked: readonly Detection[], truth: Segment): Segment | undefined {
  let best: Segment | undefined;
  let most = 0;
  for (const { segment } of ranked) {
    const iou = overlap(segment, truth);
    if (iou <= most) continue;
    most = iou;
    best = segment;
  }
  return best;
}
