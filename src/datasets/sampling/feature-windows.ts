import { checkArguments, integer, listOf, numberIn, objectWith, optional, text } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import { type ScoredSegment, scoredSegmentRules, suppress } from '../../time/segment.js';
import {
  checkNoPadding,
  type MaybeSampled,
  maybeSampledRule,
  rowsOf,
  type SampledClips,
  sampled,
} from './sampled-clips.js';

/**
 * Windows of `length` rows that together show a long input, one every `length` - `overlap` rows; the last one ends with the input.
 * The whole input where it is not longer than a window.
 * @param overlap rows that a window shares with the next one, fewer than `length`
 * @throws OptionError
 */
export function windowsOfRows(clips: MaybeSampled, length: number, overlap: number): SampledClips[] {
  checkArguments(
    'windowsOfRows',
    { clips, length, overlap },
    { clips: maybeSampledRule, length: integer(1), overlap: integer(0) },
  );
  checkNoPadding('windowsOfRows', clips);
  if (overlap >= length) {
    throw new OptionError(`windowsOfRows: overlap must be below length, ${length}, not ${overlap}`);
  }
  if (clips.steps <= length) return [sampled(clips)];
  const windows = Math.ceil((clips.steps - length) / (length - overlap)) + 1;
  return Array.from({ length: windows }, (_, i) =>
    rowsOf(clips, Math.min(i * (length - overlap), clips.steps - length), length),
  );
}

/** What was found in a window of a video. */
export interface WindowResults<T extends ScoredSegment> {
  /** Seconds of the video at which the window begins: `start` of its clips. */
  readonly start: number;
  /** Segments in seconds of the window, labelled or not. */
  readonly found: readonly T[];
}

type LabelledOrNot = ScoredSegment & { readonly label?: string | undefined };

const resultsRule = listOf(
  objectWith<WindowResults<LabelledOrNot>>({
    start: numberIn(0),
    found: listOf(objectWith<LabelledOrNot>({ ...scoredSegmentRules, label: optional(text) })),
  }),
);

/**
 * Results of the windows of a video as results of the video: shifted to its times, then merged by non-maximum suppression,
 * of which segments with different labels are kept apart.
 * @param threshold tIoU above which the segment with the lower score is dropped
 * @returns by falling score
 * @throws OptionError
 */
export function mergeWindowResults<T extends ScoredSegment & { readonly label?: string }>(
  windows: readonly WindowResults<T>[],
  threshold: number,
): T[] {
  checkArguments(
    'mergeWindowResults',
    { windows, threshold },
    { windows: resultsRule, threshold: numberIn(0, 1) },
  );
  const byLabel = new Map<string | undefined, T[]>();
  for (const { start, found } of windows) {
    for (const one of found) {
      const segment = [one.segment[0] + start, one.segment[1] + start] as const;
      const same = byLabel.get(one.label) ?? [];
      byLabel.set(one.label, same);
      same.push({ ...one, segment });
    }
  }
  return [...byLabel.values()].flatMap((same) => suppress(same, threshold)).sort((a, b) => b.score - a.score);
}
