import {
  checkArgument,
  checkFields,
  numberIn,
  onlyFields,
  positive,
  type Rule,
  type Rules,
} from '../../arguments.js';
import type { Segment } from '../../time/segment.js';
import { type AnnotatedVideo, annotatedVideoRule } from './annotated-video.js';
import { spanWithin } from './question-answer.js';

/** Windows of `length` seconds, one every `stride`. */
export interface WindowOptions {
  readonly length: number;
  readonly stride: number;
}

const windowRules: Rules<WindowOptions> = { length: positive, stride: positive };

/** What `windows` may be, an option of others. */
export const windowsRule: Rule<WindowOptions> = onlyFields(windowRules);

/** 100 frames at 2 frames a second, each window half over the next (ours, for THUMOS-14). */
export const THUMOS_WINDOWS: WindowOptions = { length: 50, stride: 25 };

/**
 * Windows that together show a video of `duration` seconds: all of the same length, the last one ending with the
 * video; the whole video where it is shorter than a window.
 * @throws OptionError where a window would have no length, or some of the video would be in none
 */
export function slidingWindows(duration: number, options: WindowOptions = THUMOS_WINDOWS): Segment[] {
  checkArgument('slidingWindows', 'duration', duration, positive);
  checkFields('slidingWindows', options, windowRules);
  const { length, stride } = options;
  checkArgument('slidingWindows', 'stride', stride, numberIn(0, length));
  if (duration <= length) return [[0, duration]];
  const before = Math.ceil((duration - length) / stride);
  const windows = Array.from({ length: before }, (_, i): Segment => [i * stride, i * stride + length]);
  return [...windows, [duration - length, duration]];
}

/**
 * Cuts a video into windows. An event belongs to a window where at least half of it is seen, or where it fills at
 * least half of the window (ours); its spans are cut to the window.
 * @param annotated a video that begins at 0
 * @throws as `slidingWindows`
 */
export function cutIntoWindows(annotated: AnnotatedVideo, options?: WindowOptions): AnnotatedVideo[] {
  checkArgument('cutIntoWindows', 'annotated', annotated, annotatedVideoRule);
  return slidingWindows(annotated.duration, options).map(([start, end]) => {
    const duration = end - start;
    const events = annotated.events.flatMap(({ text, spans }) => {
      const [first, ...more] = spans.flatMap(([from, to]) => {
        const seen = spanWithin(from - start, to - start, duration);
        const enough = seen && 2 * (seen[1] - seen[0]) >= Math.min(to - from, duration);
        return enough ? [seen] : [];
      });
      return first ? [{ text, spans: [first, ...more] as const }] : [];
    });
    return { video: annotated.video, excerpt: [start, end], duration, events };
  });
}
