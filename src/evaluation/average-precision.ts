import {
  checkArgument,
  checkArguments,
  integer,
  listOf,
  number,
  numberIn,
  objectWith,
  type Rule,
  someOf,
} from '../arguments.js';
import { overlap, type Segment, segmentRule } from '../time/segment.js';

/** A predicted segment, and which truths it may match. */
export interface Candidate {
  readonly segment: Segment;
  /** Indices of truths, each at most once. */
  readonly truths: readonly number[];
}

/**
 * `count` numbers from `first` to `last`, evenly spaced; with the roundings of NumPy's linspace.
 * @throws OptionError
 */
export function evenlySpaced(first: number, last: number, count: number): number[] {
  checkArguments('evenlySpaced', { first, last, count }, { first: number, last: number, count: integer(1) });
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 ? last : first + i * ((last - first) / (count - 1)),
  );
}

/** Thresholds of a temporal IoU. */
export const thresholdsRule: Rule<readonly number[]> = someOf(numberIn(0, 1));

/**
 * The sum of interpolated precisions: each is replaced by the largest at its recall or beyond it.
 * @param precisions by rising recall
 */
export function interpolatedSum(precisions: readonly number[]): number {
  let best = 0;
  return precisions.reduceRight((sum, precision) => {
    best = Math.max(best, precision);
    return sum + best;
  }, 0);
}

/**
 * Average precision of ranked segments for each threshold, interpolated as in PASCAL VOC since 2010: the area under
 * the curve of precision over recall, made monotonic. From the best on, a prediction is right where a truth
 * that no better one took overlaps it by a temporal IoU of at least the threshold; it takes the one that overlaps
 * most, of equal ones the last. This is the matching of the evaluators of ActivityNet and QVHighlights.
 * @param ranked best first
 * @param thresholds temporal IoU, in (0, 1]
 * @returns one value in [0, 1] for each threshold; 0 where there is no truth
 * @throws OptionError also where a candidate names a truth that does not exist
 */
export function averagePrecision(
  ranked: readonly Candidate[],
  truths: readonly Segment[],
  thresholds: readonly number[],
): number[] {
  checkArguments(
    'averagePrecision',
    { ranked, truths, thresholds },
    {
      ranked: listOf(objectWith<Candidate>({ segment: segmentRule, truths: listOf(integer(0)) })),
      truths: listOf(segmentRule),
      thresholds: thresholdsRule,
    },
  );
  const known = integer(0, truths.length - 1);
  ranked.forEach((candidate, i) => {
    checkArgument('averagePrecision', `ranked[${i}].truths`, candidate.truths, listOf(known));
  });
  return precisionAt(ranked, truths, thresholds);
}

/** `averagePrecision` of what is known to be sound. */
export function precisionAt(
  ranked: readonly Candidate[],
  truths: readonly Segment[],
  thresholds: readonly number[],
): number[] {
  const least = Math.min(...thresholds);
  const taken = thresholds.map(() => new Uint8Array(truths.length));
  const precisions: number[][] = thresholds.map(() => []);
  for (const [rank, candidate] of ranked.entries()) {
    const overlaps = candidate.truths
      .map((truth) => ({ truth, iou: overlap(candidate.segment, truths[truth]!) }))
      .filter(({ iou }) => iou >= least)
      .sort((a, b) => b.iou - a.iou || b.truth - a.truth);
    for (const [i, threshold] of thresholds.entries()) {
      const match = overlaps.find(({ truth, iou }) => iou >= threshold && !taken[i]![truth]);
      if (!match) continue;
      taken[i]![match.truth] = 1;
      const hits = precisions[i]!;
      hits.push((hits.length + 1) / (rank + 1));
    }
  }
  return precisions.map((hits) => (truths.length === 0 ? 0 : interpolatedSum(hits) / truths.length));
}
