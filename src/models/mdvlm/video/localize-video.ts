import {
  callback,
  checkArguments,
  checkFields,
  integer,
  object,
  optional,
  type Rule,
  type Rules,
  rule,
  spanOf,
} from '../../../arguments.js';
import {
  slidingWindows,
  type WindowOptions,
  windowsRule,
} from '../../../data/annotations/sliding-windows.js';
import { ACTIONS_QUESTION, eventQuestion } from '../../../data/annotations/timed-questions.js';
import type { Video } from '../../../data/video/video.js';
import { OptionError } from '../../../errors.js';
import { given } from '../../../tensor/given.js';
import type { Detection, Segment } from '../../../time/segment.js';
import { mergeWindows, type WindowDetections } from '../../common/merge-windows.js';
import { type AnswerPart, answeredActions, answeredSpans } from '../decoding/answers.js';
import { type AnswerVideoOptions, answerVideo, answerVideoRules, watchVideo } from './answer-video.js';
import { type VideoMdvlm, videoMdvlmRule } from './video-folder.js';
import { videoRule } from './video-pixels.js';

/**
 * What to look for in a video: when an event happens; what a question asks for whose answer begins with two times, as
 * those of ActivityNet-RTL; or all its actions.
 */
export type Wanted = { readonly event: string } | { readonly question: string } | 'actions';

/** Where a decoding stands. */
export interface LocalizingStep {
  /** [start, end] of the window that is asked about, in seconds of the video. */
  readonly window: Segment;
  /** Denoising steps so far, of `steps` at most. */
  readonly step: number;
  /** The answer so far (`partialAnswer`). */
  readonly text: string;
}

export interface LocalizeVideoOptions extends Omit<AnswerVideoOptions, 'onStep'> {
  /** Frames of the video, or of each window, that are looked at; default those of the configuration. */
  readonly frames?: number;
  /** What is asked about, in seconds of the video; default all of it. */
  readonly excerpt?: Segment;
  /** Ask about one window of the excerpt after another; default about all of it at once. */
  readonly windows?: WindowOptions;
  /** Called after each denoising step. */
  readonly onStep?: (step: LocalizingStep) => void;
}

/** What a model answered about a window of a video. */
export interface WindowAnswer {
  /** [start, end] in seconds of the video. */
  readonly window: Segment;
  readonly text: string;
}

export interface VideoLocalization {
  /** Seconds. */
  readonly duration: number;
  /** What was found, by falling score, in seconds of the video. An event and a question are their own label. */
  readonly segments: readonly Detection[];
  /**
   * No answer names a span, though the model was asked for them: then the whole video is the segment, with score 0
   * (the rule of ActivityNet-RTL).
   */
  readonly withoutTimes: boolean;
  readonly answers: readonly WindowAnswer[];
}

const localizeRules: Rules<LocalizeVideoOptions> = {
  ...answerVideoRules,
  frames: optional(integer(1)),
  excerpt: optional(spanOf()),
  windows: optional(windowsRule),
  onStep: optional(callback),
};

const wantedRule: Rule<Wanted> = rule(
  "{ event } or { question } with a string that is not blank, or 'actions'",
  (value) => {
    if (value === 'actions') return true;
    if (!object.accepts(value)) return false;
    const [[name, wanted] = [], ...more] = Object.entries(value);
    return (
      more.length === 0 &&
      (name === 'event' || name === 'question') &&
      typeof wanted === 'string' &&
      wanted.trim() !== ''
    );
  },
);

/** Tokens of an answer: two times are short, a list of actions is not (ours). */
const answerLengths = { span: 32, actions: 128 } as const;

/**
 * Finds in a video what is wanted: looks at frames, asks, and reads the times of the answer. With windows, what they
 * found is merged by soft-NMS within each label (`mergeWindows`).
 * @throws OptionError where what is wanted is empty, or an option is out of range; FileFormatError where the video is
 *   damaged
 */
export async function localizeVideo(
  mdvlm: VideoMdvlm,
  video: Video,
  wanted: Wanted,
  localizing: LocalizeVideoOptions = {},
): Promise<VideoLocalization> {
  checkArguments(
    'localizeVideo',
    { mdvlm, video, wanted },
    { mdvlm: videoMdvlmRule, video: videoRule, wanted: wantedRule },
  );
  checkFields('localizeVideo', localizing, localizeRules);
  const { duration } = video;
  const { frames, excerpt = [0, duration], windows, onStep, ...options } = localizing;
  const question = questionOf(wanted);
  if (wanted === 'actions' && options.timesFirst) {
    throw new OptionError('an answer with actions begins with a name, not with times: leave timesFirst out');
  }
  const length = wanted === 'actions' ? answerLengths.actions : answerLengths.span;
  const [from, to] = excerpt;
  const excerpts: readonly Segment[] = windows
    ? slidingWindows(to - from, windows).map(([start, end]) => [from + start, from + end])
    : [excerpt];
  const answers: WindowAnswer[] = [];
  const found: WindowDetections[] = [];
  for (const window of excerpts) {
    const seen = await watchVideo(mdvlm, video, {
      excerpt: window,
      ...given({ frames, signal: options.signal }),
    });
    try {
      const { text, parts } = await answerVideo(mdvlm, seen, question, {
        ...{ length, ...options },
        ...(onStep && { onStep: (text: string, step: number) => onStep({ window, step, text }) }),
      });
      answers.push({ window, text });
      found.push({ excerpt: window, detections: detectionsOf(wanted, parts) });
    } finally {
      seen.visual.dispose();
    }
  }
  const segments = mergeWindows(found);
  if (wanted === 'actions' || segments.length > 0)
    return { duration, segments, withoutTimes: false, answers };
  const whole: Detection = { label: labelOf(wanted), score: 0, segment: excerpt };
  return { duration, segments: [whole], withoutTimes: true, answers };
}

function questionOf(wanted: Wanted): string {
  if (wanted === 'actions') return ACTIONS_QUESTION;
  return 'event' in wanted ? eventQuestion(wanted.event) : wanted.question;
}

const labelOf = (wanted: Exclude<Wanted, 'actions'>): string =>
  'event' in wanted ? wanted.event : wanted.question;

function detectionsOf(wanted: Wanted, parts: readonly AnswerPart[]): Detection[] {
  if (wanted === 'actions') return answeredActions(parts);
  return answeredSpans(parts).map((span) => ({ label: labelOf(wanted), ...span }));
}
