import { checkArgument, either, listOf, numberIn, type Rule, text as textRule } from '../../arguments.js';

/** A text with times in it: strings as they are, numbers are seconds. No two strings follow one another. */
export type TimedText = readonly (string | number)[];

export const timedTextRule: Rule<TimedText> = listOf(either(textRule, numberIn(0)));

/** A time as ActivityNet-RTL writes it: seconds in angle brackets, such as `<12.5>`, `<.5>` or `<3.>`. */
const SECONDS = /<(\d*\.\d+|\d+\.?)>/;

/** Whether one of the times is after the end of a video of that many seconds. */
export function endsAfter(timed: TimedText, duration: number): boolean {
  return timed.some((piece) => typeof piece === 'number' && piece > duration);
}

/** Splits a text at its times in seconds, `<12.5>`. Empty strings are left out. */
export function parseTimedText(text: string): TimedText {
  checkArgument('parseTimedText', 'text', text, textRule);
  return text
    .split(SECONDS)
    .map((part, i) => (i % 2 === 0 ? part : Number(part)))
    .filter((piece) => piece !== '');
}
