import type { MomentQuery } from '../../data/annotations/moment-queries.js';
import type { Recordings } from '../../data/formats/recordings.js';
import type { WorldVideo } from '../../data/world/world.js';
import type { SentenceOfAction } from '../../evaluation/calibration.js';
import type { LabelledSegment } from '../../time/segment.js';
import { temporalIoU } from '../../time/segment.js';

/** The labelled segments of a query's excerpt, in seconds of it; those at its ends may begin or go on outside. */
function segmentsIn({ vid, excerpt: [from, to] }: MomentQuery, recordings: Recordings): LabelledSegment[] {
  return recordings.byName
    .get(vid)!
    .segments.filter(({ segment: [start, end] }) => end > from && start < to)
    .map(({ label, segment: [start, end] }) => ({ label, segment: [start - from, end - from] as const }));
}

/**
 * What is done in a query's excerpt, and which of it the query asks for: the segment that its window shows; undefined
 * where none of them is labelled.
 */
export function askedOf(
  query: MomentQuery,
  recordings: Recordings,
): { readonly labels: readonly string[]; readonly sentence: SentenceOfAction | undefined } {
  const segments = segmentsIn(query, recordings);
  return { labels: segments.map(({ label }) => label), sentence: sentenceOf(query, segments) };
}

function sentenceOf(query: MomentQuery, segments: readonly LabelledSegment[]): SentenceOfAction | undefined {
  const [window] = query.windows;
  const overlaps = segments.map(({ segment }) => (window ? temporalIoU(segment, window) : 0));
  const index = overlaps.indexOf(Math.max(0, ...overlaps));
  const own = segments[index];
  if (!own || overlaps[index] === 0) return undefined;
  const same = (i: number) => segments[i]!.label === own.label;
  const places = [...segments.keys()].filter(same);
  return {
    query: query.query,
    kind: query.kind,
    label: own.label,
    before: segments[index - 1]?.label,
    after: segments[index + 1]?.label,
    // One that is cut off by the excerpt may not be counted in the sentence.
    earlier: places.filter((i) => i < index && segments[i]!.segment[0] >= 0).length,
    last: index === places.at(-1),
  };
}

/** What the queries of a video of the built-in world say. */
export function sentencesOfWorld({ actions, queries }: WorldVideo): SentenceOfAction[] {
  const labels = actions.map(({ name }) => name);
  return queries.map(({ query, kind, span: [start] }) => {
    const index = actions.findIndex((action) => action.start === start);
    const label = labels[index]!;
    return {
      ...{ query, kind, label, before: labels[index - 1], after: labels[index + 1] },
      earlier: labels.slice(0, index).filter((name) => name === label).length,
      last: labels.lastIndexOf(label) === index,
    };
  });
}
