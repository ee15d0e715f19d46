import { checkArgument, listOf, number, objectWith, type Rule, someOf } from '../arguments.js';
import { interpolatedSum } from './average-precision.js';

/** The clips of a video as a query wants them: predicted, and judged by people. */
export interface JudgedHighlights {
  /** A score for each clip, higher is better; there may be more or fewer than were judged. */
  readonly predicted: readonly number[];
  /** For each clip of the video the score of each annotator: 0 (very bad) to 4 (very good). */
  readonly judged: readonly (readonly number[])[];
}

const judgedRule: Rule<readonly JudgedHighlights[]> = someOf(
  objectWith<JudgedHighlights>({ predicted: listOf(number), judged: listOf(listOf(number)) }),
);

/** From these scores on an annotator calls a clip good. */
const LEVELS = { Fair: 2, Good: 3, VeryGood: 4 } as const;

/**
 * Average precision of clips as QVHighlights computes it: the mean, over the distinct scores at which recall
 * rises, of the interpolated precision of all clips of that score or a higher one. 0 without a good clip, 1 where
 * all are good.
 */
function clipPrecision(scores: readonly number[], good: readonly boolean[]): number {
  const ranked = scores
    .map((score, clip) => ({ score, good: good[clip]! }))
    .sort((a, b) => b.score - a.score);
  const precisions: number[] = [];
  let found = 0;
  let foundBefore = 0;
  for (const [rank, clip] of ranked.entries()) {
    if (clip.good) found++;
    if (ranked[rank + 1]?.score === clip.score) continue;
    if (found > foundBefore) precisions.push(found / (rank + 1));
    foundBefore = found;
  }
  return precisions.length === 0 ? 0 : interpolatedSum(precisions) / precisions.length;
}

/** In per cent: the clips' average precision, and how often the best clip is good to any annotator. */
function atLevel(queries: readonly JudgedHighlights[], least: number): [precision: number, hits: number] {
  let precision = 0;
  let hits = 0;
  for (const { predicted, judged } of queries) {
    const scores = judged.map((_, clip) => predicted[clip] ?? 0);
    const annotators = judged[0]?.length ?? 0;
    for (let annotator = 0; annotator < annotators; annotator++) {
      const good = judged.map((clip) => clip[annotator]! >= least);
      precision += clipPrecision(scores, good) / annotators;
    }
    const best = predicted.reduce((top, score, clip) => (score > predicted[top]! ? clip : top), 0);
    if (judged[best]?.some((score) => score >= least)) hits++;
  }
  return [(100 * precision) / queries.length, (100 * hits) / queries.length];
}

/**
 * Highlight detection as QVHighlights evaluates it, in per cent, where a good clip is one of a score of at least 2
 * (`Fair`), 3 (`Good`) or 4 (`VeryGood`): `HL-mAP-Fair` and so on, the mean over queries and annotators of the
 * clips' average precision, and `HL-Hit1-Fair` and so on, how often the best clip is good to any annotator. Clips
 * that were not predicted have score 0, those beyond the judged ones are left out of the precision, and are no hit.
 * @throws OptionError where there is no query, or one is no such object
 */
export function evaluateHighlights(queries: readonly JudgedHighlights[]): Record<string, number> {
  checkArgument('evaluateHighlights', 'queries', queries, judgedRule);
  return Object.fromEntries(
    Object.entries(LEVELS).flatMap(([name, least]) => {
      const [precision, hits] = atLevel(queries, least);
      return [
        [`HL-mAP-${name}`, precision],
        [`HL-Hit1-${name}`, hits],
      ];
    }),
  );
}
