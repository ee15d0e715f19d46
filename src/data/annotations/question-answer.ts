import { listOf, positive, type Rules, spanOf, text } from '../../arguments.js';
import type { Segment } from '../../time/segment.js';
import { type TimedText, timedTextRule } from '../text/timed-text.js';

/** A question about a video, or about an excerpt of one, and its answer. */
export interface QuestionAnswer {
  readonly video: string;
  /** [start, end] of what is asked about, in seconds of the video. */
  readonly excerpt: Segment;
  /** Length of the excerpt in seconds. */
  readonly duration: number;
  readonly question: string;
  /** The wanted answer; times in seconds of the excerpt. */
  readonly answer: TimedText;
  /** The spans that the answer names, in seconds of the excerpt. */
  readonly spans: readonly Segment[];
}

export const questionAnswerRules: Rules<QuestionAnswer> = {
  video: text,
  excerpt: spanOf(),
  duration: positive,
  question: text,
  answer: timedTextRule,
  spans: listOf(spanOf()),
};

/**
 * A span as it lies within `duration` seconds, whichever of its ends comes first: published annotations have some that
 * are reversed or end after the video does. Undefined where nothing of it lies within.
 */
export function spanWithin(a: number, b: number, duration: number): Segment | undefined {
  const start = Math.max(0, Math.min(a, b));
  const end = Math.min(duration, Math.max(a, b));
  return start < end ? [start, end] : undefined;
}
