import {
  anyNumber,
  callback,
  checkArgument,
  either,
  integer,
  listOf,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  positive,
  type Rule,
  rule,
  text,
} from '../arguments.js';
import { OptionError } from '../errors.js';
import { labelledSegmentRule, segmentRule } from '../time/segment.js';
import type { Annotations, Caption, ClipScores, VideoItem, VideoQuery } from './video-dataset.js';

/** A video whose annotations are written: an item of a data set without scores of clips, or what has these fields of one. */
export interface WrittenVideo extends Pick<VideoItem, 'id' | 'duration'> {
  readonly annotations: Omit<Annotations, 'clipScores'>;
}

/** A text with more than spaces in it. */
const words: Rule<string> = rule(
  'a string that is not blank',
  (value) => typeof value === 'string' && value.trim() !== '',
);

const scoresRule: Rule<ClipScores> = objectWith<ClipScores>({
  clips: listOf(segmentRule),
  scores: listOf(listOf(anyNumber)),
  benchmark: optional(oneOf('qvhighlights', 'tvsum', 'youtube-highlights')),
});

export const writtenVideoRule: Rule<WrittenVideo> = objectWith<WrittenVideo>({
  id: words,
  duration: positive,
  annotations: onlyFields<Annotations>({
    segments: optional(listOf(labelledSegmentRule)),
    queries: optional(
      listOf(
        objectWith<VideoQuery>({
          id: either(integer(), text),
          text: words,
          excerpt: segmentRule,
          windows: listOf(segmentRule),
          kind: text,
          saliency: optional(scoresRule),
          features: optional(callback),
        }),
      ),
    ),
    captions: optional(listOf(objectWith<Caption>({ text: words, segment: segmentRule }))),
    clipScores: optional(scoresRule),
    labels: optional(listOf(words)),
  }),
});

/**
 * Refuses what a tool for annotation has no place for, rather than lose it.
 * @throws OptionError
 */
export function checkWritten(where: string, name: string, video: unknown): asserts video is WrittenVideo {
  checkArgument(where, name, video, writtenVideoRule);
  const { duration, annotations } = video;
  const refuse = (what: string): never => {
    throw new OptionError(
      `${where}: ${name} (${video.id}) has ${what}, for which the file has no place: leave it out`,
    );
  };
  if ('clipScores' in annotations && annotations.clipScores) refuse('clipScores');
  for (const { id, excerpt, windows, saliency } of annotations.queries ?? []) {
    const query = `a query ${JSON.stringify(id)}`;
    if (excerpt[0] !== 0 || excerpt[1] !== duration) refuse(`${query} about an excerpt`);
    if (windows.length === 0) refuse(`${query} without a window`);
    if (saliency) refuse(`${query} with saliency`);
  }
  const blank = annotations.segments?.find(({ label }) => label.trim() === '');
  if (blank) refuse(`a blank label at ${blank.segment[0]} s`);
}
