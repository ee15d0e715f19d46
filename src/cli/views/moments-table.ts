import { aboveFalseQueries, type Calibration } from '../../evaluation/calibration.js';
import type { ScoredSegment } from '../../time/segment.js';

/** What the best score says of whether the sentence is true at all. */
export function calibrationNote(
  calibration: Calibration | undefined,
  [best]: readonly ScoredSegment[],
  steps: number,
): string {
  if (!calibration) return 'no calibration: how high this model scores false sentences is not known';
  const { falseQuery95, trueAbove } = calibration;
  const level = `the score that 95 % of false sentences stay below (${falseQuery95.toFixed(3)})`;
  const above = aboveFalseQueries(calibration, { score: best?.score ?? -Infinity, steps });
  if (above === undefined) {
    return `not compared with ${level}: it was measured with steps=${calibration.steps}, not ${steps}`;
  }
  const said = `above ${level}: ${above ? 'yes' : 'no'}`;
  return above ? said : `${said}; of true sentences, ${(100 * trueAbove).toFixed(0)} % are above it`;
}

/** Prints moments, best first. */
export function printMoments(found: readonly ScoredSegment[]): void {
  for (const [i, { segment, score }] of found.entries()) {
    const [start, end] = segment.map((seconds) => seconds.toFixed(2).padStart(6));
    console.log(`${i + 1}. ${start} - ${end} s   score ${score.toFixed(3)}`);
  }
}
