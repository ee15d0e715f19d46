import type { VideoItem, VideoQuery } from '../../datasets/video-dataset.js';
import type { SentenceOfAction } from '../../evaluation/calibration.js';
import type { LabelledSegment } from '../../time/segment.js';
import { temporalIoU } from '../../time/segment.js';

/** The labelled segments of a query's excerpt, in seconds of it; those at its ends may begin or go on outside. */
function segmentsIn(video: VideoItem, { excerpt: [from, to] }: VideoQuery): LabelledSegment[] {
  return (video.annotations.segments ?? [])
    .filter(({ segment: [start, end] }) => end > from && start < to)
    .map(({ label, segment: [start, end] }) => ({ label, segment: [start - from, end - from] as const }));
}

/**
 * What is done in a query's excerpt, and which of it the query asks for: the segment that its window shows; undefined
 * where none of them is labelled.
 */
export function askedOf(
  video: VideoItem,
  query: VideoQuery,
): { readonly labels: readonly string[]; readonly sentence: SentenceOfAction | undefined } {
  const segments = segmentsIn(video, query);
  return { labels: segments.map(({ label }) => label), sentence: sentenceOf(query, segments) };
}

function sentenceOf(query: VideoQuery, segments: readonly LabelledSegment[]): SentenceOfAction | undefined {
  const [window] = query.windows;
  const overlaps = segments.map(({ segment }) => (window ? temporalIoU(segment, window) : 0));
  const index = overlaps.indexOf(Math.max(0, ...overlaps));
  const own = segments[index];
  if (!own || overlaps[index] === 0) return undefined;
  const same = (i: number) => segments[i]!.label === own.label;
  const places = [...segments.keys()].filter(same);
  return {
    query: query.text,
    kind: query.kind,
    label: own.label,
    before: segments[index - 1]?.label,
    after: segments[index + 1]?.label,
    // One that is cut off by the excerpt may not be counted in the sentence.
    earlier: places.filter((i) => i < index && segments[i]!.segment[0] >= 0).length,
    last: index === places.at(-1),
  };
}
