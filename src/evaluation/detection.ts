import { checkArguments, listOf, mapOf, objectWith, text } from '../arguments.js';
import { OptionError } from '../errors.js';
import {
  type LabelledSegment,
  type ScoredSegment,
  type Segment,
  scoredSegmentRules,
  segmentRule,
} from '../time/segment.js';
import { type Candidate, evenlySpaced, precisionAt, thresholdsRule } from './average-precision.js';

/** How well the actions of videos were found. */
export interface DetectionEvaluation {
  /** Fractions: `mAP@0.50` and so on for each threshold, and `average-mAP` over them. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Labels of predictions that no truth has; they have no part in any mean. */
  readonly unknownLabels: readonly string[];
}

/** The thresholds of ActivityNet: 0.5 to 0.95 in steps of 0.05. */
export const ACTIVITYNET_THRESHOLDS: readonly number[] = evenlySpaced(0.5, 0.95, 10);

/** The truths and predictions of one class. */
class ClassRecord {
  readonly truths: Segment[] = [];
  readonly predictions: (ScoredSegment & { readonly video: string })[] = [];
  /** Which truths lie in a video. */
  private readonly inVideo = new Map<string, number[]>();

  addTruth(video: string, segment: Segment): void {
    const indices = this.inVideo.get(video) ?? [];
    indices.push(this.truths.push(segment) - 1);
    this.inVideo.set(video, indices);
  }

  /** Best first; of equal scores the last, as where a rising order is read backwards. */
  ranked(): Candidate[] {
    return this.predictions
      .toReversed()
      .sort((a, b) => b.score - a.score)
      .map(({ video, segment }) => ({ segment, truths: this.inVideo.get(video) ?? [] }));
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Mean average precision of detected actions, as ActivityNet's evaluation of the detection task computes it: the
 * mean over the classes of the truths of `averagePrecision` over all videos. A class that is never predicted counts
 * as 0; a prediction in a video without truths is wrong.
 * @param predictions by video
 * @param truths by video; the videos that are evaluated
 * @param thresholds temporal IoU
 * @throws OptionError where there is no truth at all, or an argument is not as described
 */
export function evaluateDetection(
  predictions: ReadonlyMap<string, readonly (LabelledSegment & ScoredSegment)[]>,
  truths: ReadonlyMap<string, readonly LabelledSegment[]>,
  thresholds: readonly number[] = ACTIVITYNET_THRESHOLDS,
): DetectionEvaluation {
  const labelled = { label: text, segment: segmentRule };
  checkArguments(
    'evaluateDetection',
    { predictions, truths, thresholds },
    {
      predictions: mapOf(listOf(objectWith({ ...labelled, ...scoredSegmentRules }))),
      truths: mapOf(listOf(objectWith(labelled))),
      thresholds: thresholdsRule,
    },
  );
  if ([...truths.values()].every((actions) => actions.length === 0)) {
    throw new OptionError('evaluateDetection: truths must hold at least one segment, not none');
  }
  const classes = new Map<string, ClassRecord>();
  for (const [video, actions] of truths) {
    for (const { label, segment } of actions) {
      const record = classes.get(label) ?? new ClassRecord();
      classes.set(label, record);
      record.addTruth(video, segment);
    }
  }
  const unknownLabels = new Set<string>();
  for (const [video, detections] of predictions) {
    for (const { label, segment, score } of detections) {
      const record = classes.get(label);
      if (record) record.predictions.push({ video, segment, score });
      else unknownLabels.add(label);
    }
  }
  const byClass = [...classes.values()].map((record) =>
    precisionAt(record.ranked(), record.truths, thresholds),
  );
  const means = thresholds.map((_, i) => mean(byClass.map((values) => values[i]!)));
  return {
    metrics: {
      ...Object.fromEntries(thresholds.map((threshold, i) => [`mAP@${threshold.toFixed(2)}`, means[i]!])),
      'average-mAP': mean(means),
    },
    unknownLabels: [...unknownLabels],
  };
}
