import type {
  ClipScores,
  HighlightBenchmark,
  VideoDataset,
  VideoQuery,
} from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import {
  type DomainEvaluation,
  evaluateMatchedHighlights,
  evaluateTopHighlights,
} from '../../evaluation/domain-highlights.js';
import { evaluateHighlights } from '../../evaluation/highlights.js';
import type { Segment } from '../../time/segment.js';
import type { ClipCurve } from './join-curves.js';

/** The clips of a query's excerpt that highlights are looked for in, and what people say of them. */
export interface AskedHighlights {
  readonly query: VideoQuery;
  readonly benchmark: HighlightBenchmark;
  /** The first label of the video; `all` where it has none. */
  readonly domain: string;
  /** In seconds of the excerpt. */
  readonly clips: readonly Segment[];
  /** For each clip the score of each annotator; 0 where there is none. */
  readonly judged: readonly (readonly number[])[];
}

/** The highlights that are known in a split, of the queries that have scores of clips. */
export function askedHighlights(data: VideoDataset, split: string): AskedHighlights[] {
  return data.items(split).flatMap(({ annotations: { queries = [], labels } }) =>
    queries.flatMap((query): AskedHighlights[] => {
      const { saliency, excerpt } = query;
      if (!saliency || saliency.clips.length === 0 || saliency.scores.length === 0) return [];
      const { benchmark = 'qvhighlights' } = saliency;
      const known = clipsOf(saliency);
      const clips = benchmark === 'qvhighlights' ? onGrid(known, excerpt[1] - excerpt[0]) : known;
      return [{ ...{ query, benchmark, domain: labels?.[0] ?? 'all' }, ...clips }];
    }),
  );
}

type Clips = Pick<AskedHighlights, 'clips' | 'judged'>;

const clipsOf = ({ clips, scores }: ClipScores): Clips => ({
  clips,
  judged: clips.map((_, i) => scores.map((row) => (Number.isNaN(row[i]) ? 0 : row[i]!))),
});

/** Only the relevant clips of QVHighlights have scores: with the others, which have 0. */
function onGrid({ clips, judged }: Clips, length: number): Clips {
  const [start, end] = clips[0]!;
  const unit = end - start;
  const byPlace = new Map(clips.map(([from], i) => [Math.round(from / unit), judged[i]!]));
  const none = judged[0]!.map(() => 0);
  // A thousandth of a clip is rounding.
  const places = Array.from({ length: Math.floor(length / unit + 1e-3) }, (_, place) => place);
  return {
    clips: places.map((place): Segment => [place * unit, (place + 1) * unit]),
    judged: places.map((place) => byPlace.get(place) ?? none),
  };
}

/** For each of some clips the score of that one of a curve whose middle is nearest. */
export function scoresAt({ start, stride, window, scores }: ClipCurve, clips: readonly Segment[]): number[] {
  return clips.map(([from, to]) => {
    const place = Math.round(((from + to) / 2 - start - window / 2) / stride);
    return scores[Math.min(scores.length - 1, Math.max(0, place))]!;
  });
}

/**
 * How well highlights are found, by the rules of their benchmark: of QVHighlights the metrics of `evaluateHighlights`, of TVSum
 * `HL-top5-mAP` and of YouTube Highlights `HL-mAP`, with the domains.
 * @param predicted for each of `asked` a score for each of its clips
 * @throws OptionError where they are of several benchmarks
 */
export function evaluateAskedHighlights(
  asked: readonly Pick<AskedHighlights, 'benchmark' | 'domain' | 'judged'>[],
  predicted: readonly (readonly number[])[],
): Pick<DomainEvaluation, 'metrics'> & Partial<DomainEvaluation> {
  const { benchmark } = asked[0]!;
  const other = asked.find((each) => each.benchmark !== benchmark);
  if (other)
    throw new OptionError(
      `evaluate: highlights of ${benchmark} and of ${other.benchmark} are counted by different rules, they cannot be in one split`,
    );
  const videos = asked.map(({ domain, judged }, i) => ({ domain, judged, predicted: predicted[i]! }));
  switch (benchmark) {
    case 'tvsum':
      return evaluateTopHighlights(videos);
    case 'youtube-highlights':
      return evaluateMatchedHighlights(videos);
    case 'qvhighlights':
      return { metrics: evaluateHighlights(videos) };
  }
}
