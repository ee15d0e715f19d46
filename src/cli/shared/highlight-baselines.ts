import { HostRandom } from '../../data/host-random.js';
import type { DomainEvaluation } from '../../evaluation/domain-highlights.js';

/** The scores that annotators gave the clips of a video. */
type Judged = readonly (readonly number[])[];

/** Random scorings, of which the mean is told, and the best. */
const DRAWS = 300;

/**
 * What a metric of highlights says of scorings that never look at a video, and of those of the annotators themselves: random
 * ones (the mean), the best of 300 random ones in each domain (what is left of choosing by the videos that are counted), clips
 * in the middle first, and where there are several annotators each alone (the mean) and their mean.
 * @param evaluate gives the metric for predicted scores of the clips of all videos
 */
export function highlightBaselines(
  videos: readonly Judged[],
  evaluate: (predicted: readonly (readonly number[])[]) => DomainEvaluation,
): Record<string, number> {
  const scoreOf = (predict: (judged: Judged) => readonly number[]) => {
    const [value] = Object.values(evaluate(videos.map(predict)).metrics);
    return value!;
  };
  const random = new HostRandom(0);
  const draws = Array.from({ length: DRAWS }, () =>
    Object.values(evaluate(videos.map((judged) => judged.map(() => random.uniform()))).domains),
  );
  const best = draws[0]!.map((_, domain) => Math.max(...draws.map((domains) => domains[domain]!)));
  const annotators = Math.min(...videos.map((judged) => judged[0]!.length));
  const people = Array.from({ length: annotators }, (_, annotator) =>
    scoreOf((judged) => judged.map((clip) => clip[annotator]!)),
  );
  return {
    random: mean(draws.map(mean)),
    [`best of ${DRAWS} random`]: mean(best),
    centre: scoreOf((judged) => judged.map((_, i) => -Math.abs(i - (judged.length - 1) / 2))),
    ...(annotators > 1 && {
      'one annotator': mean(people),
      'mean of annotators': scoreOf((judged) => judged.map(mean)),
    }),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
