import { checkArgument, checkArguments, path as pathRule } from '../../arguments.js';
import { FileFormatError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import { type JsonRecord, type QueryId, readJsonLines } from '../formats/json-record.js';
import { relevantClips, scoresOfClips } from './highlight-queries.js';

/** A query with what was predicted for it and what is true, as two files say. */
export interface QueryRecord {
  readonly qid: QueryId;
  /** Windows in seconds with their scores, in the order of the file: best first. */
  readonly predicted: readonly { readonly segment: Segment; readonly score: number }[];
  /** Windows in seconds. */
  readonly truths: readonly Segment[];
  /** Scores of the video's clips, where both files have them. */
  readonly highlights?: {
    /** A score for each clip. */
    readonly predicted: readonly number[];
    /** For each clip the score of each annotator; 0 where the clip is not relevant. */
    readonly judged: readonly (readonly number[])[];
  };
}

/** The lines of a file by their query. */
async function byQuery(path: string): Promise<Map<QueryId, JsonRecord>> {
  const lines = new Map<QueryId, JsonRecord>();
  for (const line of await readJsonLines(path)) {
    const qid = line.queryId('qid');
    const earlier = lines.get(qid);
    if (earlier) throw line.error(`qid ${JSON.stringify(qid)} occurs twice, first in ${earlier.where}`);
    lines.set(qid, line);
  }
  if (lines.size === 0) throw new FileFormatError(`${path} holds no query`);
  return lines;
}

function predictedWindows(line: JsonRecord): QueryRecord['predicted'] {
  return line.rows('pred_relevant_windows', 3).map((row, i) => {
    const [start, end, score] = row as readonly [number, number, number];
    if (start > end)
      throw line.error(`pred_relevant_windows[${i}] starts at ${start}, after its end at ${end}`);
    return { segment: [start, end], score };
  });
}

function predictedScores(line: JsonRecord): readonly number[] {
  const scores = line.numbers('pred_saliency_scores');
  if (scores.length === 0) throw line.error('pred_saliency_scores is empty');
  return scores;
}

/**
 * Reads predicted highlights: JSON lines of `qid` and `pred_saliency_scores`, a score for each clip. Other fields are left alone.
 * @returns the scores by query
 * @throws FileAccessError, FileFormatError with file and line
 */
export async function readHighlightPredictions(path: string): Promise<Map<QueryId, readonly number[]>> {
  checkArgument('readHighlightPredictions', 'path', path, pathRule);
  const lines = await byQuery(path);
  return new Map([...lines].map(([qid, line]) => [qid, predictedScores(line)]));
}

/**
 * Reads predictions and truths in the format of QVHighlights, JSON lines joined by `qid`. Predictions hold
 * `pred_relevant_windows` ([start, end, score] in seconds, best first) and may hold `pred_saliency_scores`, one for
 * each clip of 2 s. Truths hold `relevant_windows` and may hold `duration`, `relevant_clip_ids` and, for each of
 * these, `saliency_scores` (a number for each annotator). Other fields are left alone.
 * @throws FileAccessError where a file cannot be read; FileFormatError with file and line where a field is
 *   missing, is of another type or not finite, a window starts after its end, a query is in one file only or in one
 *   file twice, or has no true window
 */
export async function readMomentPredictions(predictions: string, truths: string): Promise<QueryRecord[]> {
  checkArguments(
    'readMomentPredictions',
    { predictions, truths },
    { predictions: pathRule, truths: pathRule },
  );
  const [predicted, known] = await Promise.all([byQuery(predictions), byQuery(truths)]);
  for (const [qid, line] of predicted) {
    if (!known.has(qid)) throw line.error(`qid ${JSON.stringify(qid)} is not in ${truths}`);
  }
  const hasHighlights =
    [...predicted.values()].some((line) => line.has('pred_saliency_scores')) &&
    [...known.values()].some((line) => line.has('saliency_scores'));
  return [...known].map(([qid, truth]) => {
    const line = predicted.get(qid);
    if (!line) throw truth.error(`qid ${JSON.stringify(qid)} has no prediction in ${predictions}`);
    const windows = truth.spans('relevant_windows');
    if (windows.length === 0) throw truth.error('relevant_windows is empty');
    const record = { qid, predicted: predictedWindows(line), truths: windows };
    if (!hasHighlights) return record;
    return {
      ...record,
      highlights: { predicted: predictedScores(line), judged: scoresOfClips(relevantClips(truth)) },
    };
  });
}
