import { type DetectionFile, detectionFile } from '../../data/annotations/detection-json.js';
import type { QueryId } from '../../data/formats/json-record.js';
import { OptionError } from '../../errors.js';
import type { Detection, ScoredSegment } from '../../time/segment.js';

/** Moments that were found for a sentence, as QVHighlights' predictions are; in seconds of what was asked about. */
export interface MomentLine {
  readonly qid: QueryId;
  readonly query: string;
  readonly vid: string;
  /** Seconds of what was asked about. */
  readonly duration: number;
  /** [start, end, score], best first. */
  readonly pred_relevant_windows: readonly (readonly [number, number, number])[];
}

/** Actions that were found in a video. */
export interface ActionLine {
  readonly video_id: string;
  /** Seconds of the video. */
  readonly duration: number;
  /** Best first. */
  readonly segments: readonly Detection[];
}

/** What was found for an input, or for a query of it. */
export type LocalizedLine = MomentLine | ActionLine;

export const momentLine = (
  line: Omit<MomentLine, 'pred_relevant_windows'>,
  found: readonly ScoredSegment[],
): MomentLine => ({
  ...line,
  pred_relevant_windows: found.map(({ segment: [start, end], score }) => [start, end, score]),
});

/** What a line is about: no two lines of a file have the same. */
export const lineKey = (line: LocalizedLine): string =>
  'qid' in line ? queryKey(line.qid) : videoKey(line.video_id);
export const queryKey = (qid: QueryId): string => `query ${JSON.stringify(qid)}`;
export const videoKey = (id: string): string => `video ${JSON.stringify(id)}`;

/** The formats of whole files that `tal evaluate` takes. */
export const predictionFormats = ['activitynet', 'qvhighlights', 'rtl'] as const;
export type PredictionFormat = (typeof predictionFormats)[number];

/**
 * All that was found as one file of a format: ActivityNet's detections, QVHighlights' JSON lines, or ActivityNet-RTL's
 * spans, of which each is the best moment; the whole video where there is none (the rule of its evaluation).
 * @throws OptionError where the format has no place for actions
 */
export function predictionFile(lines: readonly LocalizedLine[], format: PredictionFormat): string {
  if (format === 'activitynet') return `${JSON.stringify(detections(lines), null, 2)}\n`;
  const moments = lines.map((line) => {
    if ('qid' in line) return line;
    throw new OptionError(`--format ${format} is of moments of queries; actions go with activitynet`);
  });
  if (format === 'qvhighlights') {
    return moments
      .map(({ qid, query, vid, pred_relevant_windows }) =>
        JSON.stringify({ qid, query, vid, pred_relevant_windows }),
      )
      .map((line) => `${line}\n`)
      .join('');
  }
  const spans = moments.map(({ qid, duration, pred_relevant_windows: [best] }) => ({
    question_id: qid,
    span: best ? best.slice(0, 2) : [0, duration],
  }));
  return `${JSON.stringify(spans, null, 2)}\n`;
}

function detections(lines: readonly LocalizedLine[]): DetectionFile {
  const results: Record<string, Detection[]> = {};
  for (const line of lines) {
    const [id, found] =
      'qid' in line
        ? [
            line.vid,
            line.pred_relevant_windows.map(
              ([start, end, score]): Detection => ({ label: line.query, score, segment: [start, end] }),
            ),
          ]
        : [line.video_id, line.segments];
    results[id] = [...(results[id] ?? []), ...found];
  }
  return detectionFile(results, 'a pretrained model');
}
