import {
  checkArguments,
  checkFields,
  flag,
  object,
  oneOf,
  optional,
  type Rules,
  text,
} from '../../arguments.js';
import type { VideoDataset, VideoQuery } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import { thresholdsRule } from '../../evaluation/average-precision.js';
import { evaluateDetection } from '../../evaluation/detection.js';
import { evaluateMoments, type RecallRule, recallAt } from '../../evaluation/moments.js';
import { recallTable } from '../../evaluation/recall-table.js';
import { evaluateTemporalReasoning } from '../../evaluation/temporal-reasoning.js';
import { type ScoredSegment, type Segment, temporalIoU } from '../../time/segment.js';
import type { Predictions } from '../localization-model.js';
import { askedHighlights, evaluateAskedHighlights, scoresAt } from './judged-highlights.js';

export interface EvaluationOptions {
  /** Whether a moment that overlaps by exactly the threshold is a hit; default `at-least` (2D-TAN: `strict`). */
  readonly rule?: RecallRule;
  /** Temporal IoU of detections; default 0.5 to 0.95 in steps of 0.05 (THUMOS-14: 0.3 to 0.7). */
  readonly thresholds?: readonly number[];
  /** Whether queries are answered by one moment each, not by a ranked list; default: where no query has more than one. */
  readonly answers?: boolean;
}

/** Numbers by name. Those of moments and highlights are in per cent, mean average precision of actions is a fraction. */
export type Metrics = Readonly<Record<string, number>>;

export interface Evaluation {
  readonly metrics: Metrics;
  /** Of the queries of each kind, where the data set tells kinds apart. */
  readonly kinds: Readonly<Record<string, Metrics>>;
  /** The score of highlights in each domain, where the benchmark has domains. */
  readonly domains?: Readonly<Record<string, number>>;
  /** Queries, or videos. */
  readonly count: number;
}

const evaluationRules: Rules<EvaluationOptions> = {
  rule: optional(oneOf('at-least', 'strict')),
  thresholds: optional(thresholdsRule),
  answers: optional(flag),
};

/**
 * How well a model's predictions for a split agree with its annotations. Of queries, `R1@0.3` … `R5@0.7` and `mIoU`; where
 * no query has more than one prediction, as of a model that answers, `R1` and the metrics of reasoning temporal
 * localization, which are averaged within each video first. Where clips have scores, and the model tells of clips, its
 * highlights too, by the rules of the benchmark: of QVHighlights the metrics of `evaluateHighlights` and those of
 * `evaluateMoments`, of TVSum `HL-top5-mAP`, of YouTube Highlights `HL-mAP`, both with `domains`. Of actions, `mAP@0.50` … and
 * `average-mAP`.
 * @throws OptionError where the split has no annotations of that kind
 */
export function evaluatePredictions(
  data: VideoDataset,
  split: string,
  predictions: Predictions,
  options: EvaluationOptions = {},
): Evaluation {
  checkArguments(
    'evaluatePredictions',
    { split, predictions },
    { split: text, predictions: object as never },
  );
  checkFields('evaluatePredictions', options, evaluationRules);
  const items = data.items(split);
  if (predictions.moments) {
    const judged = items.flatMap(({ id, annotations }) =>
      (annotations.queries ?? []).flatMap((query) => {
        const found = predictions.moments!.get(query.id);
        return found && query.windows.length > 0 ? [{ video: id, query, found }] : [];
      }),
    );
    const highlights = highlightsOf(data, split, predictions);
    if (judged.length === 0) {
      if (!highlights) throw missing(data, split, 'queries whose moments or highlights are known');
      return { ...highlights, kinds: {} };
    }
    const { answers = judged.every(({ found }) => found.length <= 1) } = options;
    const table = answers ? answerTable : rankedTable;
    const kinds = [...new Set(judged.map(({ query }) => query.kind))].filter(Boolean).sort();
    return {
      metrics: { ...table(judged, options.rule), ...highlights?.metrics },
      kinds: Object.fromEntries(
        kinds.map((kind) => [
          kind,
          table(
            judged.filter(({ query }) => query.kind === kind),
            options.rule,
          ),
        ]),
      ),
      ...(highlights?.domains && { domains: highlights.domains }),
      count: judged.length,
    };
  }
  const truths = new Map(
    items.flatMap(({ id, annotations: { segments } }) => (segments ? [[id, segments] as const] : [])),
  );
  if ([...truths.values()].every(({ length }) => length === 0))
    throw missing(data, split, 'labelled segments');
  const { metrics } = evaluateDetection(predictions.detections!, truths, options.thresholds);
  return { metrics, kinds: {}, count: truths.size };
}

const missing = ({ name }: VideoDataset, split: string, what: string) =>
  new OptionError(`evaluate: the split ${split} of ${name} has no ${what}`);

/** What was found for a query. */
interface Judged {
  readonly video: string;
  readonly query: VideoQuery;
  readonly found: readonly ScoredSegment[];
}

const momentsOf = (judged: readonly Judged[]) =>
  judged.map(({ query, found }) => ({ predicted: found, truths: query.windows }));

/** Where clips have scores, as in QVHighlights, with the average precisions that it reports. */
function rankedTable(judged: readonly Judged[], rule?: RecallRule): Metrics {
  const moments = momentsOf(judged);
  const recalls = recallTable(moments, rule);
  if (!judged.some(({ query }) => query.saliency)) return recalls;
  const precisions = Object.entries(evaluateMoments(moments, rule)).filter(([, value]) => value !== null);
  return { ...recalls, ...(Object.fromEntries(precisions) as Metrics) };
}

/** Of the queries with scores of clips; undefined where there are none, or nothing was told of clips. */
function highlightsOf(
  data: VideoDataset,
  split: string,
  { saliency }: Predictions,
): Omit<Evaluation, 'kinds'> | undefined {
  if (!saliency) return undefined;
  const asked = askedHighlights(data, split).filter(({ query }) => saliency.has(query.id));
  if (asked.length === 0) return undefined;
  const predicted = asked.map(({ query, clips }) => scoresAt(saliency.get(query.id)!, clips));
  return { ...evaluateAskedHighlights(asked, predicted), count: asked.length };
}

/** Of several true moments the nearest counts; without an answer the whole excerpt stands for it. */
function answerTable(judged: readonly Judged[], rule?: RecallRule): Metrics {
  const answers = judged.map(({ video, query: { windows, excerpt }, found }) => {
    const predicted: Segment = found[0]?.segment ?? [0, excerpt[1] - excerpt[0]];
    const truth = windows.reduce((best, window) =>
      temporalIoU(predicted, window) > temporalIoU(predicted, best) ? window : best,
    );
    return { video, predicted, truth };
  });
  const moments = momentsOf(judged);
  return {
    ...evaluateTemporalReasoning(answers),
    ...Object.fromEntries(
      [0.3, 0.5, 0.7].map((threshold) => [`R1@${threshold}`, 100 * recallAt(moments, 1, threshold, rule)]),
    ),
  };
}
