import {
  checkArgument,
  checkArguments,
  listOf,
  mapOf,
  objectWith,
  path as pathRule,
  positive,
  type Rule,
  type Rules,
  someOf,
  spanOf,
  text as textRule,
} from '../../arguments.js';
import { FileFormatError, OptionError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import { type LabelledSegment, labelledSegmentRule } from '../../time/segment.js';
import { type OnRefused, readEach, readJsonRecord } from '../formats/json-record.js';
import { readActivities } from './activities.js';
import { readCharadesLines } from './charades-lines.js';
import { type MomentQuery, momentQueryRule } from './moment-queries.js';
import { spanWithin } from './question-answer.js';
import { readDurations } from './video-durations.js';

/** Something that happens in a video. */
export interface VideoEvent {
  /** A sentence about it, or the name of its class. */
  readonly text: string;
  /** When, in seconds of the excerpt; several where it happens more than once. */
  readonly spans: readonly [Segment, ...Segment[]];
}

/** A video, or an excerpt of one, and what happens in it. */
export interface AnnotatedVideo {
  readonly video: string;
  /** [start, end] in seconds of the video. */
  readonly excerpt: Segment;
  /** Length of the excerpt in seconds. */
  readonly duration: number;
  readonly events: readonly VideoEvent[];
}

export const annotatedVideoRules: Rules<AnnotatedVideo> = {
  video: textRule,
  excerpt: spanOf(),
  duration: positive,
  events: listOf(objectWith<VideoEvent>({ text: textRule, spans: someOf(spanOf()) })),
};

export const annotatedVideoRule: Rule<AnnotatedVideo> = objectWith(annotatedVideoRules);

const event = (text: string, span: Segment | undefined): VideoEvent[] =>
  span ? [{ text: text.trim(), spans: [span] }] : [];

const whole = (video: string, duration: number, events: readonly VideoEvent[]): AnnotatedVideo => ({
  video,
  excerpt: [0, duration],
  duration,
  events,
});

/**
 * Reads ActivityNet Captions: an object that holds, by video, `duration`, `timestamps` ([start, end] in seconds) and
 * as many `sentences`. Spans are cut to the video; a sentence of whose span nothing is left is left out.
 * @throws FileAccessError where it cannot be read, FileFormatError with the video where it breaks that
 */
export async function readCaptions(path: string): Promise<AnnotatedVideo[]> {
  checkArgument('readCaptions', 'path', path, pathRule);
  return captionedVideos(path);
}

/** As `readCaptions`; a video that breaks the format is passed over where there is `onRefused`. */
export async function captionedVideos(path: string, onRefused?: OnRefused): Promise<AnnotatedVideo[]> {
  const file = await readJsonRecord(path);
  const read = (name: string): AnnotatedVideo => {
    const video = file.record(name);
    const duration = video.positive('duration');
    const spans = video.rows('timestamps', 2);
    const sentences = video.texts('sentences');
    if (spans.length !== sentences.length)
      throw video.error(`${spans.length} timestamps have ${sentences.length} sentences`);
    const events = sentences.flatMap((sentence, i) => {
      if (sentence.trim() === '') throw video.error(`sentences[${i}] is empty`);
      return event(sentence, spanWithin(spans[i]![0]!, spans[i]![1]!, duration));
    });
    return whole(name, duration, events);
  };
  return readEach(file.names, read, onRefused);
}

/**
 * Reads Charades-STA: lines of `VIDEO START END##SENTENCE`, times in seconds. Spans are cut to the video; a sentence of
 * whose span nothing is left is left out.
 * @param lengths a file of lengths of videos in seconds (`readDurations`), such as a JSON object with `length` by video
 * @throws FileAccessError where a file cannot be read, FileFormatError with the line or the video where it is another
 */
export async function readCharades(path: string, lengths: string): Promise<AnnotatedVideo[]> {
  checkArguments('readCharades', { path, lengths }, { path: pathRule, lengths: pathRule });
  const durations = await readDurations(lengths);
  const videos = new Map<string, { readonly duration: number; readonly events: VideoEvent[] }>();
  for (const { video: name, span, sentence, where } of await readCharadesLines(path)) {
    const duration = videos.get(name)?.duration ?? durations.of(name);
    if (duration === undefined) throw new FileFormatError(`${where}: ${lengths} has no video ${name}`);
    const video = videos.get(name) ?? { duration, events: [] };
    videos.set(name, video);
    video.events.push(...event(sentence, spanWithin(...span, duration)));
  }
  return [...videos].map(([name, { duration, events }]) => whole(name, duration, events));
}

/**
 * Reads actions of ActivityNet with the videos' lengths: an object that holds, by video, `duration_second` and
 * `annotations`, a list of `label` and `segment` ([start, end] in seconds). Segments are cut to the video; one of which
 * nothing is left is left out.
 * @throws FileAccessError where it cannot be read, FileFormatError with the place where it breaks that
 */
export async function readVideoActions(path: string): Promise<AnnotatedVideo[]> {
  checkArgument('readVideoActions', 'path', path, pathRule);
  return (await readActivities(path)).map(({ id, record, duration, segments }) => {
    if (duration === undefined) throw record.error('duration_second is missing: expected a finite number');
    return whole(
      id,
      duration,
      segments().flatMap(({ label, segment }) => event(label, spanWithin(...segment, duration))),
    );
  });
}

/**
 * Joins annotated actions (`readAnnotations`) with the lengths of their videos, which THUMOS-14 keeps elsewhere.
 * Segments are cut to the video; one of which nothing is left is left out.
 * @param durations in seconds, by video
 * @throws OptionError with the video that has none
 */
export function videosWithActions(
  annotations: ReadonlyMap<string, readonly LabelledSegment[]>,
  durations: ReadonlyMap<string, number>,
): AnnotatedVideo[] {
  checkArguments(
    'videosWithActions',
    { annotations, durations },
    {
      annotations: mapOf(listOf(labelledSegmentRule)),
      durations: mapOf(positive),
    },
  );
  return [...annotations].map(([video, actions]) => {
    const duration = durations.get(video);
    if (duration === undefined) throw new OptionError(`videosWithActions: durations has no video ${video}`);
    const events = actions.flatMap(({ label, segment: [start, end] }) =>
      event(label, spanWithin(start, end, duration)),
    );
    return whole(video, duration, events);
  });
}

/** Moment queries (`readMomentQueries`) as excerpts with one event each; queries without a known moment are left out. */
export function queriedExcerpts(queries: readonly MomentQuery[]): AnnotatedVideo[] {
  checkArgument('queriedExcerpts', 'queries', queries, listOf(momentQueryRule));
  return queries.flatMap(({ vid, excerpt, duration, query, windows: [first, ...more] }) =>
    first ? [{ video: vid, excerpt, duration, events: [{ text: query, spans: [first, ...more] }] }] : [],
  );
}
