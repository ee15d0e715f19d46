import type { Segment } from '../../time/segment.js';
import {
  type JsonRecord,
  type OnRefused,
  type QueryId,
  readEach,
  readJsonLines,
} from '../formats/json-record.js';

/** Length of the clips that QVHighlights scores, in seconds. */
export const CLIP_SECONDS = 2;

/** A line of QVHighlights. */
export interface HighlightQuery {
  readonly qid: QueryId;
  readonly vid: string;
  /** Of the video, in seconds. */
  readonly duration: number;
  readonly query: string;
  /** In seconds; undefined where the answer is kept back. */
  readonly windows: readonly Segment[] | undefined;
  /** The clips that people called relevant, and the scores of each by annotator. */
  readonly relevant: RelevantClips | undefined;
  /** File and line. */
  readonly where: string;
}

export interface RelevantClips {
  /** Clips of the video. */
  readonly count: number;
  /** Indices of the relevant ones. */
  readonly clips: readonly number[];
  /** By relevant clip, then by annotator. */
  readonly scores: readonly (readonly number[])[];
}

/** The `relevant_clip_ids` of a line and their `saliency_scores`. @throws FileFormatError */
export function relevantClips(line: JsonRecord): RelevantClips {
  const count = Math.floor(line.number('duration', 0) / CLIP_SECONDS);
  const clips = line.numbers('relevant_clip_ids');
  const annotators = (line.list('saliency_scores')[0] as readonly unknown[] | undefined)?.length ?? 0;
  const scores = line.rows('saliency_scores', annotators);
  if (scores.length !== clips.length)
    throw line.error(`${clips.length} relevant_clip_ids have ${scores.length} saliency_scores`);
  const strange = clips.findIndex((clip) => !Number.isInteger(clip) || clip < 0 || clip >= count);
  if (strange >= 0) throw line.error(`relevant_clip_ids[${strange}] is ${clips[strange]}, of ${count} clips`);
  return { count, clips, scores };
}

/**
 * Reads QVHighlights: JSON lines of `qid`, `query`, `vid`, `duration` in seconds and, unless the answer is kept back,
 * `relevant_windows` in seconds, `relevant_clip_ids` (clips of 2 s) and `saliency_scores`, a number for each annotator.
 * @throws FileAccessError where it cannot be read, FileFormatError with the line and the field where it breaks that
 */
export async function readHighlightQueries(path: string, onRefused?: OnRefused): Promise<HighlightQuery[]> {
  const read = (line: JsonRecord): HighlightQuery => ({
    qid: line.queryId('qid'),
    vid: line.text('vid'),
    duration: line.positive('duration'),
    query: line.text('query').trim(),
    windows: line.absent('relevant_windows') ? undefined : line.spans('relevant_windows'),
    relevant: line.absent('relevant_clip_ids') ? undefined : relevantClips(line),
    where: line.where,
  });
  return readEach(await readJsonLines(path), read, onRefused);
}

/** The annotators' scores of every clip of a video, from those of the relevant ones: 0 where a clip is not relevant. */
export function scoresOfClips({ count, clips, scores }: RelevantClips): number[][] {
  const judged = Array.from({ length: count }, () => new Array<number>(scores[0]?.length ?? 0).fill(0));
  for (const [i, clip] of clips.entries()) judged[clip] = [...scores[i]!];
  return judged;
}
