import { stat } from 'node:fs/promises';
import { readHighlightQueries, scoresOfClips } from '../../data/annotations/highlight-queries.js';
import { readHighlightPredictions } from '../../data/annotations/moments-jsonl.js';
import type { QueryId } from '../../data/formats/json-record.js';
import { FileFormatError, OptionError } from '../../errors.js';
import {
  type AskedHighlights,
  askedHighlights,
  evaluateAskedHighlights,
} from '../../models/common/judged-highlights.js';
import { withLabelQueries } from '../../models/grounding/label-queries.js';
import { dataFolder, datasetOf } from '../shared/datasets.js';
import { highlightBaselines } from '../shared/highlight-baselines.js';
import { checkOutputs } from '../shared/outputs.js';

export interface EvaluateHighlightsOptions {
  readonly predictions?: string;
  readonly groundTruth: string;
  readonly split?: string;
  readonly baselines?: boolean;
  readonly json?: string;
}

/** What is known of the clips that a query is asked about. */
type Known = Omit<AskedHighlights, 'query' | 'clips'> & { readonly qid: QueryId };

/** How well highlights are found, for a reader. */
export interface HighlightTable {
  readonly title: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly domains?: Readonly<Record<string, number>>;
  readonly baselines?: Readonly<Record<string, number>>;
}

/** `tal evaluate highlights`: predicted scores of clips against those of people. @throws OptionError, FileAccessError, FileFormatError */
export async function evaluateHighlightsOf(options: EvaluateHighlightsOptions): Promise<HighlightTable> {
  const { predictions, groundTruth, baselines } = options;
  if (predictions === undefined && !baselines)
    throw new OptionError('evaluate highlights needs --predictions, or --baselines');
  await checkOutputs(
    { '--json': options.json },
    { '--predictions': predictions, '--ground-truth': dataFolder(groundTruth) },
  );
  const known = await knownIn(options);
  const evaluate = (scores: readonly (readonly number[])[]) => evaluateAskedHighlights(known, scores);
  const found = predictions === undefined ? undefined : await scoresOf(predictions, known, groundTruth);
  const { domains, metrics = {} } = found ? evaluate(found) : {};
  const beside =
    baselines &&
    highlightBaselines(
      known.map(({ judged }) => judged),
      (scores) => {
        const { domains: ofScores, metrics: all } = evaluate(scores);
        if (ofScores) return { domains: ofScores, metrics: all };
        throw new OptionError('--baselines is for TVSum and YouTube Highlights');
      },
    );
  return {
    title: `${known.length} ${known[0]!.benchmark === 'qvhighlights' ? 'queries' : 'videos'}, in per cent`,
    metrics,
    ...(domains && { domains }),
    ...(beside && { baselines: beside }),
  };
}

/** Of a data set, or of a file in the format of QVHighlights. */
async function knownIn({ groundTruth, split }: EvaluateHighlightsOptions): Promise<Known[]> {
  const status = await stat(groundTruth).catch(() => undefined);
  if (status?.isFile()) {
    if (split !== undefined) throw new OptionError('--split goes with a data set, not with a file');
    const queries = await readHighlightQueries(groundTruth);
    const known = queries.flatMap(({ qid, relevant }): Known[] =>
      relevant ? [{ qid, benchmark: 'qvhighlights', domain: 'all', judged: scoresOfClips(relevant) }] : [],
    );
    if (known.length === 0) throw new FileFormatError(`${groundTruth} has no saliency_scores`);
    return known;
  }
  const data = await datasetOf(groundTruth);
  try {
    if (split === undefined)
      throw new OptionError(`${data.name} is a data set: give --split, one of ${data.splits.join(', ')}`);
    const asked = askedHighlights(withLabelQueries(data), split);
    if (asked.length === 0)
      throw new OptionError(`the split ${split} of ${data.name} has no scores of clips`);
    return asked.map(({ query, ...rest }) => ({ qid: query.id, ...rest }));
  } finally {
    await data.close();
  }
}

/** The predicted scores of each query, in the order of what is known. */
async function scoresOf(
  path: string,
  known: readonly Known[],
  truths: string,
): Promise<(readonly number[])[]> {
  const predicted = await readHighlightPredictions(path);
  const name = (qid: QueryId) => `qid ${JSON.stringify(qid)}`;
  const ids = new Set(known.map(({ qid }) => qid));
  const foreign = [...predicted.keys()].find((qid) => !ids.has(qid));
  if (foreign !== undefined) throw new FileFormatError(`${path}: ${name(foreign)} is not in ${truths}`);
  return known.map(({ qid, judged, benchmark }) => {
    const scores = predicted.get(qid);
    if (!scores) throw new FileFormatError(`${path} has no prediction of ${name(qid)} of ${truths}`);
    if (benchmark !== 'qvhighlights' && scores.length !== judged.length)
      throw new FileFormatError(
        `${path}: ${name(qid)} has ${scores.length} pred_saliency_scores, the video has ${judged.length} clips`,
      );
    return scores;
  });
}
