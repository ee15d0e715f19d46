/** Metrics said again as plainly as possible, to hold the fast ones against. */
import type { Candidate } from '../../src/evaluation/average-precision.js';
import type { Segment } from '../../src/time/segment.js';

const overlap = (a: Segment, b: Segment): number => {
  const common = Math.max(0, Math.min(a[1], b[1]) - Math.max(a[0], b[0]));
  const union = a[1] - a[0] + (b[1] - b[0]) - common;
  return union === 0 ? 0 : common / union;
};

/** Which of the ranked predictions are right at one threshold. */
function judge(ranked: readonly Candidate[], truths: readonly Segment[], threshold: number): boolean[] {
  const free = new Set(truths.keys());
  return ranked.map((candidate) => {
    let match = -1;
    for (const truth of candidate.truths) {
      const iou = overlap(candidate.segment, truths[truth]!);
      if (!free.has(truth) || iou < threshold) continue;
      if (match < 0 || iou >= overlap(candidate.segment, truths[match]!)) match = truth;
    }
    free.delete(match);
    return match >= 0;
  });
}

/** For each recall k of n: the best precision of any beginning of the list that holds k right ones or more. */
export function slowAveragePrecision(
  ranked: readonly Candidate[],
  truths: readonly Segment[],
  threshold: number,
): number {
  const right = judge(ranked, truths, threshold);
  let area = 0;
  for (let k = 1; k <= truths.length; k++) {
    let best = 0;
    for (let length = 1; length <= right.length; length++) {
      const hits = right.slice(0, length).filter(Boolean).length;
      if (hits >= k) best = Math.max(best, hits / length);
    }
    area += best / truths.length;
  }
  return area;
}
