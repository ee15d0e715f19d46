import { checkArgument, number, objectWith, type Rule, someOf, text } from '../arguments.js';
import { OptionError } from '../errors.js';

/** The clips of a video: predicted, and judged by people. */
export interface DomainVideo {
  /** What the video is of, such as `parkour`. */
  readonly domain: string;
  /** A score for each clip, higher is better; of equal ones the earlier clip is the better. */
  readonly predicted: readonly number[];
  /** For each of these clips the score of each annotator. */
  readonly judged: readonly (readonly number[])[];
}

/** How well highlights are found. */
export interface DomainEvaluation {
  /** In per cent: the mean over domains, by its name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** In per cent: the mean over the videos of each domain. */
  readonly domains: Readonly<Record<string, number>>;
}

const videosRule: Rule<readonly DomainVideo[]> = someOf(
  objectWith<DomainVideo>({ domain: text, predicted: someOf(number), judged: someOf(someOf(number)) }),
);

/** @throws OptionError */
function checkVideos(where: string, videos: readonly DomainVideo[]): void {
  checkArgument(where, 'videos', videos, videosRule);
  for (const [i, { predicted, judged }] of videos.entries()) {
    const annotators = judged[0]!.length;
    const misfit = judged.findIndex(({ length }) => length !== annotators);
    const what = `${where}: videos[${i}]`;
    if (judged.length !== predicted.length)
      throw new OptionError(
        `${what} needs a prediction for each of ${judged.length} clips, it has ${predicted.length}`,
      );
    if (misfit >= 0)
      throw new OptionError(
        `${what}.judged[${misfit}] needs ${annotators} scores, as judged[0], it has ${judged[misfit]!.length}`,
      );
  }
}

/** TVSum counts so many clips of a video. */
const TOP = 5;
/** The score of a highlight of YouTube Highlights. */
const HIGHLIGHT = 1;

/**
 * Highlight detection as UMT and those after it evaluate TVSum: `HL-top5-mAP`. To an annotator a clip is good whose score is
 * above the median of his or hers; average precision is that of the five clips of the highest prediction, and counts the
 * good ones among these alone. The mean over annotators, then videos, then domains.
 * @throws OptionError where there is no video, or one is no such object
 */
export function evaluateTopHighlights(videos: readonly DomainVideo[]): DomainEvaluation {
  checkVideos('evaluateTopHighlights', videos);
  return overDomains('HL-top5-mAP', videos, ({ predicted, judged }) => {
    const best = ranking(predicted).slice(0, TOP);
    return mean(
      judged[0]!.map((_, annotator) => {
        const scores = judged.map((clip) => clip[annotator]!);
        const middle = lowerMedian(scores);
        return areaUnderCurve(best.map((clip) => scores[clip]! > middle));
      }),
    );
  });
}

/**
 * Highlight detection as UMT and those after it evaluate YouTube Highlights: `HL-mAP`. Clips of score 1 are highlights,
 * others, also those of 0, which are neither, are not; average precision is that of all clips of a video. The mean over
 * annotators, of which there is one, then videos, then domains.
 * @throws OptionError where there is no video, or one is no such object
 */
export function evaluateMatchedHighlights(videos: readonly DomainVideo[]): DomainEvaluation {
  checkVideos('evaluateMatchedHighlights', videos);
  return overDomains('HL-mAP', videos, ({ predicted, judged }) => {
    const ranked = ranking(predicted);
    return mean(
      judged[0]!.map((_, annotator) =>
        areaUnderCurve(ranked.map((clip) => judged[clip]![annotator] === HIGHLIGHT)),
      ),
    );
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Clips, best first. */
const ranking = (predicted: readonly number[]): number[] =>
  [...predicted.keys()].sort((a, b) => predicted[b]! - predicted[a]!);

/** The lower of the two middle values where their count is even, as PyTorch has it. */
const lowerMedian = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;

/** The area under precision over recall by trapezoids, precision being 1 at recall 0; 0 without a good clip. */
function areaUnderCurve(good: readonly boolean[]): number {
  const all = good.filter(Boolean).length;
  let [hits, area, before] = [0, 0, 1];
  for (const [rank, hit] of good.entries()) {
    if (hit) hits++;
    const precision = hits / (rank + 1);
    if (hit) area += (before + precision) / 2 / all;
    before = precision;
  }
  return area;
}

function overDomains(
  name: string,
  videos: readonly DomainVideo[],
  precisionOf: (video: DomainVideo) => number,
): DomainEvaluation {
  const byDomain = new Map<string, number[]>();
  for (const video of videos)
    byDomain.set(video.domain, [...(byDomain.get(video.domain) ?? []), precisionOf(video)]);
  const domains = [...byDomain].sort(([a], [b]) => a.localeCompare(b, 'en'));
  const percent = domains.map(([domain, precisions]) => [domain, 100 * mean(precisions)] as const);
  return {
    metrics: { [name]: mean(percent.map(([, value]) => value)) },
    domains: Object.fromEntries(percent),
  };
}
