import { checkArgument, text as textRule } from '../../arguments.js';
import type { TimedText } from './timed-text.js';

const number = String.raw`(\d+(?:\.\d+)?)`;
const seconds = String.raw`\s*(?:seconds?|secs?|s)\b`;
const minutes = String.raw`\s*(?:minutes?|mins?)\b`;
const hours = String.raw`\s*(?:hours?|hrs?)\b`;
const and = String.raw`\s*(?:,\s*)?(?:and\s*)?`;
const to = String.raw`\s*(?:-|–|—|to\b|and\b|until\b)\s*`;
/** Minutes and seconds with seconds or without. */
const minutesAndSeconds = `${number}${minutes}(?:${and}${number}${seconds})?`;

/** Each way to say a time, with what its groups are in seconds. A length ("for 5 seconds") is no time. */
const ways: readonly { readonly pattern: string; readonly read: (groups: readonly number[]) => number[] }[] =
  [
    // 1:02:03, 2:03.5; what no clock shows, such as 1:75 or 1:02:03:04, is no time.
    {
      pattern: String.raw`(?:(\d+):(?=[0-5]?\d:))?(\d{1,2}):([0-5]\d(?:\.\d+)?)(?!\w|:\d)`,
      read: ([h = 0, m, s]) => [3600 * h + 60 * m! + s!],
    },
    // 2 hours, 1 hour and 5 minutes, 1 hour 5 min 3 s
    {
      pattern: `${number}${hours}(?:${and}${minutesAndSeconds})?`,
      read: ([h, m = 0, s = 0]) => [3600 * h! + 60 * m + s],
    },
    // 2 minutes, 2 min and 3 s
    { pattern: minutesAndSeconds, read: ([m, s = 0]) => [60 * m! + s] },
    // 2m3s
    { pattern: String.raw`${number}\s*m\s*${number}${seconds}`, read: ([m, s]) => [60 * m! + s!] },
    // 3 to 8 seconds, 3-8 s; 1 to 2 minutes, 1 to 2 hours: both ends have the unit
    { pattern: number + to + number + seconds, read: ([start, end]) => [start!, end!] },
    { pattern: number + to + number + minutes, read: ([start, end]) => [60 * start!, 60 * end!] },
    { pattern: number + to + number + hours, read: ([start, end]) => [3600 * start!, 3600 * end!] },
    { pattern: number + seconds, read: ([time]) => [time!] },
  ];
const notALength = String.raw`(?<!\b(?:for|lasts?|lasting|takes?|taking)\s+(?:(?:about|around|some)\s+)?)`;
const spoken = new RegExp(
  String.raw`${notALength}(?<![\w.:])(?:${ways.map(({ pattern }, i) => `(?<way${i}>${pattern})`).join('|')})`,
  'gi',
);

/**
 * Splits a text at the times that it says in words or as on a clock: `12.5 seconds`, `3 to 8 s`, `1 minute 5 seconds`,
 * `2 hours`, `1:05`. Numbers of a clock that no clock shows, such as `1:75` and `12:34:56:78`, stay text. Empty strings are left out (ours: for models that know no time tokens).
 */
export function parseSpokenTimes(text: string): TimedText {
  checkArgument('parseSpokenTimes', 'text', text, textRule);
  const pieces: (string | number)[] = [];
  let end = 0;
  for (const match of text.matchAll(spoken)) {
    const way = ways.findIndex((_, i) => match.groups?.[`way${i}`] !== undefined);
    const groups = new RegExp(`^(?:${ways[way]!.pattern})$`, 'i').exec(match[0])!.slice(1);
    const times = ways[way]!.read(
      groups.map((group) => (group === undefined ? undefined : Number(group)) as number),
    );
    pieces.push(text.slice(end, match.index), ...times.flatMap((time, i) => (i > 0 ? [' ', time] : [time])));
    end = match.index + match[0].length;
  }
  return [...pieces, text.slice(end)].filter((piece) => piece !== '');
}
