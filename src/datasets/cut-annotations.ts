import { spanWithin } from '../data/annotations/question-answer.js';
import type { Segment } from '../time/segment.js';
import type { LayoutAnnotations, LayoutQuery } from './layouts/layout.js';
import type { Annotations, ClipScores, VideoQuery } from './video-dataset.js';

/** What is told of a span that is cut or left out. */
export type OnCut = (message: string) => void;

/** Times are written with few digits: half a thousandth of a second is rounding. */
const ROUNDING = 5e-4;

/**
 * Annotations with all spans within the video, whichever of their ends comes first; what has no length then is left out.
 * @param duration in seconds
 */
export function cutAnnotations(
  { segments, captions, queries, clipScores, labels }: LayoutAnnotations,
  duration: number,
  onCut: OnCut,
): Annotations {
  const kept = <T extends { readonly segment: Segment }>(all: readonly T[], what: string): T[] =>
    all.flatMap((one, i) => {
      const segment = within(one.segment, duration, `${what}[${i}]`, onCut);
      return segment ? [{ ...one, segment }] : [];
    });
  return {
    ...(segments && { segments: kept(segments, 'segments') }),
    ...(queries && { queries: queries.flatMap((query) => cutQuery(query, duration, onCut)) }),
    ...(captions && { captions: kept(captions, 'captions') }),
    ...(clipScores && { clipScores: cutScores(clipScores, duration) }),
    ...(labels && { labels }),
  };
}

function cutQuery(query: LayoutQuery, duration: number, onCut: OnCut): VideoQuery[] {
  const what = `query ${JSON.stringify(query.id)}`;
  const excerpt = query.excerpt
    ? within(query.excerpt, duration, `${what}: excerpt`, onCut)
    : ([0, duration] as const);
  if (!excerpt) return [];
  const length = excerpt[1] - excerpt[0];
  const windows = query.windows.flatMap((window, i) => {
    const seen = within(window, length, `${what}: windows[${i}]`, onCut);
    return seen ? [seen] : [];
  });
  if (query.windows.length > 0 && windows.length === 0) return [];
  const saliency = query.saliency && cutScores(query.saliency, length);
  return [{ ...query, kind: query.kind ?? '', excerpt, windows, ...(saliency && { saliency }) }];
}

function within(span: Segment, duration: number, what: string, onCut: OnCut): Segment | undefined {
  const cut = spanWithin(...span, duration);
  const [start, end] = span;
  if (!cut || start > end || start < -ROUNDING || end > duration + ROUNDING)
    onCut(
      `${what} is [${start}, ${end}] of ${duration} s: ${cut ? `it is taken as [${cut.join(', ')}]` : 'it is left out'}`,
    );
  return cut;
}

function cutScores(all: ClipScores, duration: number): ClipScores {
  const { clips, scores } = all;
  const cut = clips.map((clip) => spanWithin(...clip, duration));
  if (cut.every((clip, i) => clip?.[0] === clips[i]![0] && clip[1] === clips[i]![1])) return all;
  return {
    ...all,
    clips: cut.filter((clip) => clip !== undefined),
    scores: scores.map((row) => row.filter((_, i) => cut[i] !== undefined)),
  };
}
