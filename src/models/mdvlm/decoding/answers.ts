import {
  checkArgument,
  checkArguments,
  either,
  instanceOf,
  listOf,
  number,
  numberIn,
  numbers,
  objectWith,
  positive,
  type Rule,
  text as textRule,
} from '../../../arguments.js';
import { parseSpokenTimes } from '../../../data/text/spoken-times.js';
import { OptionError } from '../../../errors.js';
import type { Detection, ScoredSegment, Segment } from '../../../time/segment.js';
import { STOP_TOKENS } from '../language/chat.js';
import { Tokenizer } from '../language/tokenizer.js';
import { TimeTokens } from '../time-tokens.js';

/** A chunk of words of an answer. */
export interface AnswerWords {
  readonly text: string;
  /** Geometric mean of the probabilities of the tokens of what stands after the last semicolon; 1 where unknown. */
  readonly probability: number;
}

/** A time in an answer. */
export interface AnswerTime {
  readonly seconds: number;
  /** Of the time token; 1 where unknown. */
  readonly probability: number;
}

/** An answer in parts, as it is read: words and times. */
export type AnswerPart = AnswerWords | AnswerTime;

const probability = numberIn(0, 1);
const wordsRule: Rule<AnswerPart> = objectWith<AnswerWords>({ text: textRule, probability });
const timeRule: Rule<AnswerPart> = objectWith<AnswerTime>({ seconds: number, probability });

/** A part with `seconds` is a time, every other one is words. */
const partRule: Rule<AnswerPart> = {
  ...either(wordsRule, timeRule),
  fault: (name, value) => (Object(value).seconds === undefined ? wordsRule : timeRule).fault?.(name, value),
};

const partsRule = listOf(partRule);

const isTime = (part: AnswerPart): part is AnswerTime => 'seconds' in part;

/**
 * The parts of an answer that is text, with times as tokens (`<t12>`) or in seconds (`<12.5>`), all of probability 1.
 * @param duration length of the video in seconds
 * @throws OptionError where the video has no length
 */
export function answerFromText(text: string, duration: number, times: TimeTokens): AnswerPart[] {
  checkArguments(
    'answerFromText',
    { text, duration, times },
    { text: textRule, duration: positive, times: instanceOf(TimeTokens, 'a TimeTokens') },
  );
  return times
    .read(text, duration)
    .map((piece) =>
      typeof piece === 'string'
        ? { text: piece, probability: 1 }
        : { seconds: Math.min(piece, duration), probability: 1 },
    );
}

/**
 * The parts of an answer that is tokens, up to the first that ends it.
 * @param ids of the answer alone
 * @param probabilities of each of them, as the model gave it when it committed the token
 * @param duration length of the video in seconds
 * @throws OptionError where ids and probabilities are not as many, or the video has no length
 */
export function answerFromTokens(
  tokenizer: Tokenizer,
  ids: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  duration: number,
): AnswerPart[] {
  checkArguments(
    'answerFromTokens',
    { tokenizer, ids, probabilities, duration },
    {
      tokenizer: instanceOf(Tokenizer, 'a Tokenizer'),
      ids: numbers,
      probabilities: numbers,
      duration: positive,
    },
  );
  if (ids.length !== probabilities.length) {
    throw new OptionError(
      `answerFromTokens: probabilities must be as many as the ${ids.length} ids, not ${probabilities.length}`,
    );
  }
  const stops = STOP_TOKENS.map((token) => tokenizer.id(token));
  const parts: AnswerPart[] = [];
  let words = new WordTokens(tokenizer);
  const closeWords = () => {
    if (words.length > 0) parts.push(words.part());
    words = new WordTokens(tokenizer);
  };
  for (let i = 0; i < ids.length && !stops.includes(ids[i]!); i++) {
    const index = tokenizer.times.indexOf(ids[i]!);
    if (index === undefined) words.add(ids[i]!, probabilities[i]!);
    else {
      closeWords();
      parts.push({ seconds: tokenizer.times.decode(index, duration), probability: probabilities[i]! });
    }
  }
  closeWords();
  return parts;
}

/**
 * The same parts; where none is a time, those that the words say are, in seconds, as sure as their words: a model that
 * was not trained for time tokens, such as LLaDA-V as it was published, answers so (ours).
 * @param duration length of the video in seconds
 */
export function withSpokenTimes(parts: readonly AnswerPart[], duration: number): AnswerPart[] {
  checkArguments('withSpokenTimes', { parts, duration }, { parts: partsRule, duration: positive });
  return parts.flatMap((part) => {
    if (isTime(part) || parts.some(isTime)) return [part];
    const { probability } = part;
    return parseSpokenTimes(part.text).map((piece) =>
      typeof piece === 'string'
        ? { text: piece, probability }
        : { seconds: Math.min(piece, duration), probability },
    );
  });
}

/** Tokens between two times. */
class WordTokens {
  private readonly ids: number[] = [];
  private logarithm = 0;
  private counted = 0;

  constructor(private readonly tokenizer: Tokenizer) {}

  get length(): number {
    return this.ids.length;
  }

  add(id: number, probability: number): void {
    this.ids.push(id);
    const text = this.tokenizer.decode([id]);
    if (text.includes(';')) this.logarithm = this.counted = 0;
    // Marks and spaces belong to the template, not to the label.
    if (labelIn(text) === '') return;
    this.logarithm += Math.log(probability);
    this.counted++;
  }

  part(): AnswerWords {
    const probability = this.counted === 0 ? 1 : Math.exp(this.logarithm / this.counted);
    return { text: this.tokenizer.decode(this.ids), probability };
  }
}

/** The label in words that stand before two times, or '' where there is none. */
const labelIn = (text: string): string =>
  text
    .slice(text.lastIndexOf(';') + 1)
    .replace(/[:\s]+$/, '')
    .trim();

/**
 * The one span of an answer, in seconds: its first two times, the earlier one first; the whole video where there are
 * fewer (LITA's rule for reasoning temporal localization).
 * @param duration length of the video in seconds
 */
export function answeredSpan(parts: readonly AnswerPart[], duration: number): Segment {
  checkArguments('answeredSpan', { parts, duration }, { parts: partsRule, duration: positive });
  const [a, b] = parts.filter(isTime);
  if (!a || !b) return [0, duration];
  return [Math.min(a.seconds, b.seconds), Math.max(a.seconds, b.seconds)];
}

/** Two times of an answer with nothing but space between them, and the words around them. */
interface TimePair {
  readonly start: AnswerTime;
  readonly end: AnswerTime;
  readonly before: AnswerWords | undefined;
  readonly after: AnswerWords | undefined;
}

/** Times without a partner are left out. */
function timePairs(parts: readonly AnswerPart[]): TimePair[] {
  const solid = parts.filter((part) => isTime(part) || part.text.trim() !== '');
  const wordsAt = (i: number): AnswerWords | undefined => {
    const part = solid[i];
    return part && !isTime(part) ? part : undefined;
  };
  const pairs: TimePair[] = [];
  for (let i = 0; i + 1 < solid.length; i++) {
    const [start, end] = [solid[i]!, solid[i + 1]!];
    if (!isTime(start) || !isTime(end)) continue;
    pairs.push({ start, end, before: wordsAt(i - 1), after: wordsAt(i + 2) });
    i++;
  }
  return pairs;
}

const segmentOf = ({ start, end }: Pick<TimePair, 'start' | 'end'>): Segment => [
  Math.min(start.seconds, end.seconds),
  Math.max(start.seconds, end.seconds),
];

/**
 * The spans of an answer that says when something happens, in its order: each two times with nothing but space between
 * them; where there are none, its first two times, whatever stands between. None where it has fewer than two.
 *
 * A span scores (p(start) p(end))^(1/2) (ours).
 */
export function answeredSpans(parts: readonly AnswerPart[]): ScoredSegment[] {
  checkArgument('answeredSpans', 'parts', parts, partsRule);
  const pairs: Pick<TimePair, 'start' | 'end'>[] = timePairs(parts);
  const [start, end] = parts.filter(isTime);
  if (pairs.length === 0 && start && end) pairs.push({ start, end });
  return pairs.map((pair) => ({
    segment: segmentOf(pair),
    score: Math.sqrt(pair.start.probability * pair.end.probability),
  }));
}

/**
 * The actions of an answer `label: <start> <end>; label: <start> <end>`, in its order. Two times with nothing but space
 * between them are a span, whichever is the earlier; its label stands before it, after the last semicolon. A span
 * without a label has that of the one before it.
 *
 * An action scores (p(start) p(end) p(label))^(1/3), where p(label) is the geometric mean over the label's tokens (ours).
 */
export function answeredActions(parts: readonly AnswerPart[]): Detection[] {
  checkArgument('answeredActions', 'parts', parts, partsRule);
  let label: AnswerWords = { text: '', probability: 1 };
  return timePairs(parts).map((pair) => {
    const text = labelIn(pair.before?.text ?? '');
    if (text !== '') label = { text, probability: pair.before!.probability };
    return {
      label: label.text,
      score: Math.cbrt(pair.start.probability * pair.end.probability * label.probability),
      segment: segmentOf(pair),
    };
  });
}

/** The sentences of an answer `<start> <end> sentence <start> <end> sentence`, in its order, with their spans. */
export function answeredSentences(
  parts: readonly AnswerPart[],
): { readonly sentence: string; readonly segment: Segment }[] {
  checkArgument('answeredSentences', 'parts', parts, partsRule);
  return timePairs(parts).map((pair) => ({
    sentence: pair.after?.text.trim() ?? '',
    segment: segmentOf(pair),
  }));
}
