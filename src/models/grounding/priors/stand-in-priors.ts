import { checkArguments, listOf, object, oneOf, type Rule } from '../../../arguments.js';
import type { DescribedSpan, Priors, VideoPriors } from '../../../datasets/priors/priors.js';
import type { VideoItem } from '../../../datasets/video-dataset.js';
import { sentenceOfLabel } from '../../map-diffusion/label-sentences.js';

/** What stands in for priors of a language model: see `standInPriors`. */
export type StandInKind = 'true' | 'classes' | 'shifted';

export const standInKinds: readonly StandInKind[] = ['true', 'classes', 'shifted'];

const videosRule: Rule<readonly VideoItem[]> = listOf(object as unknown as Rule<VideoItem>);

/**
 * Priors that stand in for those of a language model (ours), made of the annotations of videos:
 * - `true`: the queries with the moments of which they are true;
 * - `classes`: the segments, with the names of their classes;
 * - `shifted`: as `true`, each moment moved on by its own length, and back where it would leave the video: a control.
 *
 * Captions are the names of the classes of segments, so that clips between segments have none. Videos without an event and a caption are
 * left out.
 *
 * They are no measure of the method: they tell what training is to find.
 */
export function standInPriors(videos: readonly VideoItem[], kind: StandInKind): Priors {
  checkArguments('standInPriors', { videos, kind }, { videos: videosRule, kind: oneOf(...standInKinds) });
  const told = new Map(
    videos.flatMap((video) => {
      const priors = priorsOf(video, kind);
      return priors.events.length + priors.captions.length > 0 ? [[video.id, priors] as const] : [];
    }),
  );
  return {
    name: `the stand-in ${kind}`,
    ids: [...told.keys()],
    of: (id) => told.get(id),
    close: async () => {},
  };
}

function priorsOf({ duration, annotations }: VideoItem, kind: StandInKind): VideoPriors {
  const { queries = [], segments = [] } = annotations;
  const captions = segments.map(({ label, segment }) => ({ text: sentenceOfLabel(label), segment }));
  if (kind === 'classes') return { events: captions, captions };
  const moments = queries.flatMap(({ text, excerpt, windows }) =>
    windows.map(([start, end]): DescribedSpan => ({ text, segment: [excerpt[0] + start, excerpt[0] + end] })),
  );
  return { events: kind === 'true' ? moments : moments.map((moment) => shifted(moment, duration)), captions };
}

function shifted({ text, segment: [start, end] }: DescribedSpan, duration: number): DescribedSpan {
  const length = end - start;
  const by = end + length <= duration ? length : -Math.min(length, start);
  return { text, segment: [start + by, end + by] };
}
