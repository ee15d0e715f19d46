import { checkArgument, checkArguments, instanceOf, text as textRule } from '../../arguments.js';
import type { Segment } from '../../time/segment.js';
import { HostRandom } from '../host-random.js';
import type { TimedText } from '../text/timed-text.js';
import { type AnnotatedVideo, annotatedVideoRule, type VideoEvent } from './annotated-video.js';
import type { QuestionAnswer } from './question-answer.js';

/** Ways to ask when something happens. The sentence is quoted: whatever its grammar, the question is right. */
const WHEN = [
  (event: string) => `At what time in the video does the following happen: "${event}"?`,
  (event: string) => `Find the part of the video that shows this: "${event}".`,
  (event: string) => `Which chunk of the video fits the description "${event}"?`,
  (event: string) => `Between which two moments of the video can one see this: "${event}"?`,
  (event: string) => `"${event}": when is that in the video?`,
] as const;

/** Ways to ask for times and nothing else. */
const TIMES_ONLY = [
  'Give only the start time and the end time.',
  'Answer with two timestamps and nothing else: first the start, then the end.',
  'Reply without further words, just with the times at which it begins and ends.',
] as const;

const DESCRIBE = [
  'Tell in detail what happens in the video, and begin every sentence with the times at which it starts and ends.',
  'Describe the video event by event. Before each sentence put the start time and the end time of the event.',
  'What happens in the video, one thing after another? Let each sentence follow its start and end timestamps.',
] as const;

const NAME_ACTIONS = [
  'Name every action in the video with its start time and its end time.',
  'Which actions are there in the video, and from when to when does each last?',
  'List the actions of the video in order, each followed by its start and end timestamps.',
] as const;

/** The answer where there is nothing to name. */
export const NOTHING = 'none';

const drawnRules = { annotated: annotatedVideoRule, random: instanceOf(HostRandom, 'a HostRandom') };

/** A sentence without the space around it and the stop at its end. */
const quotable = (sentence: string): string => sentence.trim().replace(/[.\s]+$/, '');

const times = ([start, end]: Segment): TimedText => [start, ' ', end];

/** Timed texts in a row with a string between them. */
function join(parts: readonly TimedText[], separator: string): TimedText {
  const pieces = parts.flatMap((part, i) => (i > 0 ? [separator, ...part] : part));
  // Neighbouring strings become one.
  return pieces.reduce<(string | number)[]>((joined, piece) => {
    const last = joined.at(-1);
    if (typeof last === 'string' && typeof piece === 'string') joined[joined.length - 1] = last + piece;
    else joined.push(piece);
    return joined;
  }, []);
}

/** Every span of every event, by start, then by end. */
function inOrder(events: readonly VideoEvent[]): { readonly text: string; readonly span: Segment }[] {
  return events
    .flatMap(({ text, spans }) => spans.map((span) => ({ text, span })))
    .sort((a, b) => a.span[0] - b.span[0] || a.span[1] - b.span[1]);
}

/** The question when an event happens that a model is asked, in one of the wordings that training draws from. */
export function eventQuestion(event: string): string {
  checkArgument('eventQuestion', 'event', event, textRule);
  return `${WHEN[0](quotable(event))} ${TIMES_ONLY[0]}`;
}

/** The question which actions there are that a model is asked, in one of the wordings that training draws from. */
export const ACTIONS_QUESTION = NAME_ACTIONS[0];

/**
 * Event localization: for each event of a video the question when it happens, answered by start and end,
 * `<start> <end>`, of each of its spans in turn.
 * @param random chooses the wordings
 */
export function localizationQuestions(annotated: AnnotatedVideo, random: HostRandom): QuestionAnswer[] {
  checkArguments('localizationQuestions', { annotated, random }, drawnRules);
  const { video, excerpt, duration, events } = annotated;
  return events.map(({ text, spans }) => ({
    video,
    excerpt,
    duration,
    question: `${random.choose(WHEN)(quotable(text))} ${random.choose(TIMES_ONLY)}`,
    answer: join(spans.map(times), ' '),
    spans,
  }));
}

function denseQuestion(
  { video, excerpt, duration, events }: AnnotatedVideo,
  question: string,
  answer: (events: ReturnType<typeof inOrder>) => TimedText,
): QuestionAnswer {
  const ordered = inOrder(events);
  return {
    video,
    excerpt,
    duration,
    question,
    answer: ordered.length === 0 ? [NOTHING] : answer(ordered),
    spans: ordered.map(({ span }) => span),
  };
}

/**
 * Dense captioning: all that happens in a video in order, `<start> <end> sentence <start> <end> sentence`, or
 * `NOTHING`.
 * @param random chooses the wording
 */
export function captioningQuestion(annotated: AnnotatedVideo, random: HostRandom): QuestionAnswer {
  checkArguments('captioningQuestion', { annotated, random }, drawnRules);
  return denseQuestion(annotated, random.choose(DESCRIBE), (events) =>
    join(
      events.map(({ text, span }) => join([times(span), [text]], ' ')),
      ' ',
    ),
  );
}

/**
 * Action localization: all actions of a video in order, `label: <start> <end>; label: <start> <end>` (ours), or
 * `NOTHING`.
 * @param random chooses the wording
 */
export function actionsQuestion(annotated: AnnotatedVideo, random: HostRandom): QuestionAnswer {
  checkArguments('actionsQuestion', { annotated, random }, drawnRules);
  return denseQuestion(annotated, random.choose(NAME_ACTIONS), (events) =>
    join(
      events.map(({ text, span }) => [`${text}: `, ...times(span)]),
      '; ',
    ),
  );
}
