/** A text with times in it: strings as they are, numbers are seconds. No two strings follow one another. */
export type TimedText = readonly (string | number)[];

/** A time as ActivityNet-RTL writes it: seconds in angle brackets, such as `<12.5>`, `<.5>` or `<3.>`. */
const SECONDS = /<(\d*\.\d+|\d+\.?)>/;

/** Splits a text at its times in seconds, `<12.5>`. Empty strings are left out. */
export function parseTimedText(text: string): TimedText {
  return text
    .split(SECONDS)
    .map((part, i) => (i % 2 === 0 ? part : Number(part)))
    .filter((piece) => piece !== '');
}
