import {
  checkArguments,
  integer,
  listOf,
  numberIn,
  objectWith,
  oneOf,
  type Rule,
  someOf,
} from '../arguments.js';
import { type ScoredSegment, type Segment, scoredSegmentRules, segmentRule } from '../time/segment.js';
import { precisionAt } from './average-precision.js';

/** What was predicted for a query, and what is true. */
export interface JudgedMoment {
  /** Best first. */
  readonly predicted: readonly ScoredSegment[];
  /** The moments of which the query is true. */
  readonly truths: readonly Segment[];
}

/** Whether a window that overlaps by exactly the threshold is a hit: yes (QVHighlights), or no (2D-TAN). */
export type RecallRule = 'at-least' | 'strict';

const queriesRule: Rule<readonly JudgedMoment[]> = someOf(
  objectWith<JudgedMoment>({
    predicted: listOf(objectWith(scoredSegmentRules)),
    truths: listOf(segmentRule),
  }),
);

const recallRule: Rule<RecallRule> = oneOf('at-least', 'strict');

/** 0.5 to 0.95 in steps of 0.05, each rounded to hundredths. */
const THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

/** At most so many predictions of a query count for average precision. */
const MOST_PREDICTIONS = 10;

/** Lengths of windows in seconds: more than the first, at most the second. */
const LENGTHS = { short: [0, 10], middle: [10, 30], long: [30, 150] } as const;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The largest temporal IoU of a window with a truth. It divides by the hull of the two, as the evaluators of
 * QVHighlights and 2D-TAN do for recall: that is the union where they overlap, but for the last bit, which decides
 * at a threshold.
 */
function bestOverlap([start, end]: Segment, truths: readonly Segment[]): number {
  let best = 0;
  for (const [trueStart, trueEnd] of truths) {
    const intersection = Math.min(end, trueEnd) - Math.max(start, trueStart);
    const hull = Math.max(end, trueEnd) - Math.min(start, trueStart);
    if (intersection > 0) best = Math.max(best, intersection / hull);
  }
  return best;
}

/**
 * Recall R@n, IoU = threshold: the share of queries, in [0, 1], of which one of the first `n` windows overlaps a
 * truth enough.
 * @throws OptionError where there is no query, or an argument is out of range
 */
export function recallAt(
  queries: readonly JudgedMoment[],
  n: number,
  threshold: number,
  rule: RecallRule = 'at-least',
): number {
  checkArguments(
    'recallAt',
    { queries, n, threshold, rule },
    { queries: queriesRule, n: integer(1), threshold: numberIn(0, 1), rule: recallRule },
  );
  const hit = (iou: number): boolean => (rule === 'strict' ? iou > threshold : iou >= threshold);
  const hits = queries.filter(({ predicted, truths }) =>
    predicted.slice(0, n).some(({ segment }) => hit(bestOverlap(segment, truths))),
  );
  return hits.length / queries.length;
}

/**
 * Mean over queries of the temporal IoU, in [0, 1], of the first window and the truth nearest to it.
 * @throws OptionError where there is no query
 */
export function meanIoU(queries: readonly JudgedMoment[]): number {
  checkArguments('meanIoU', { queries }, { queries: queriesRule });
  return mean(
    queries.map(({ predicted: [first], truths }) => (first ? bestOverlap(first.segment, truths) : 0)),
  );
}

/** Mean over queries of the average precision, for each of `THRESHOLDS`. */
function meanPrecisions(queries: readonly JudgedMoment[]): number[] {
  const byQuery = queries.map(({ predicted, truths }) => {
    const all = truths.map((_, i) => i);
    const ranked = predicted
      .slice(0, MOST_PREDICTIONS)
      .sort((a, b) => b.score - a.score)
      .map(({ segment }) => ({ segment, truths: all }));
    return precisionAt(ranked, truths, THRESHOLDS);
  });
  return THRESHOLDS.map((_, i) => mean(byQuery.map((values) => values[i]!)));
}

/** The queries with a truth of such a length, with those truths alone. */
function ofLength(queries: readonly JudgedMoment[], [above, atMost]: Segment): JudgedMoment[] {
  return queries
    .map(({ predicted, truths }) => ({
      predicted,
      truths: truths.filter(([start, end]) => end - start > above && end - start <= atMost),
    }))
    .filter(({ truths }) => truths.length > 0);
}

/**
 * Moment retrieval, in per cent, as QVHighlights evaluates it, with the R5 of 2D-TAN: `R1@0.5`, `R1@0.7`, `R5@0.5`,
 * `R5@0.7`, `mIoU`, `mAP` (over IoU 0.5 to 0.95), `mAP@0.5`, `mAP@0.75`, and for truths of up to 10, 30 and 150
 * seconds `mAP-short`, `mAP-middle` and `mAP-long`. Recall goes by the order of the windows, precision by their
 * scores, of at most ten windows. A query without a predicted window counts as a miss.
 * @param rule what recall counts as a hit
 * @returns null for a length that no truth has
 * @throws OptionError where there is no query, or one is no such object
 */
export function evaluateMoments(
  queries: readonly JudgedMoment[],
  rule: RecallRule = 'at-least',
): Record<string, number | null> {
  checkArguments('evaluateMoments', { queries, rule }, { queries: queriesRule, rule: recallRule });
  const percent = (share: number): number => 100 * share;
  const precisions = meanPrecisions(queries);
  const lengths = Object.entries(LENGTHS).map(([name, range]) => {
    const chosen = ofLength(queries, range);
    return [`mAP-${name}`, chosen.length === 0 ? null : percent(mean(meanPrecisions(chosen)))] as const;
  });
  return {
    'R1@0.5': percent(recallAt(queries, 1, 0.5, rule)),
    'R1@0.7': percent(recallAt(queries, 1, 0.7, rule)),
    'R5@0.5': percent(recallAt(queries, 5, 0.5, rule)),
    'R5@0.7': percent(recallAt(queries, 5, 0.7, rule)),
    mIoU: percent(meanIoU(queries)),
    mAP: percent(mean(precisions)),
    'mAP@0.5': percent(precisions[THRESHOLDS.indexOf(0.5)]!),
    'mAP@0.75': percent(precisions[THRESHOLDS.indexOf(0.75)]!),
    ...Object.fromEntries(lengths),
  };
}
