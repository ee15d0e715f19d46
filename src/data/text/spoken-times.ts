import { checkArgument, text as textRule } from '../../arguments.js';
import type { TimedText } from './timed-text.js';

const number = String.raw`(\d+(?:\.\d+)?)`;
const seconds = String.raw`\s*(?:seconds?|secs?|s)\b`;

/** Each way to say a time, with what its groups are in seconds. A length ("for 5 seconds") is no time. */
const ways: readonly { readonly pattern: string; readonly read: (groups: readonly number[]) => number[] }[] =
  [
    // 1:02:03, 2:03.5
    {
      pattern: String.raw`(?:(\d+):)?(\d{1,2}):(\d\d(?:\.\d+)?)\b`,
      read: ([h = 0, m, s]) => [3600 * h + 60 * m! + s!],
    },
    // 2 minutes, 2 min and 3 s
    {
      pattern: String.raw`${number}\s*(?:minutes?|mins?)\b(?:\s*(?:and\s*)?${number}${seconds})?`,
      read: ([m, s = 0]) => [60 * m! + s],
    },
    // 2m3s
    { pattern: String.raw`${number}\s*m\s*${number}${seconds}`, read: ([m, s]) => [60 * m! + s!] },
    // 3 to 8 seconds, 3-8 s
    {
      pattern: String.raw`${number}\s*(?:-|–|—|to\b|and\b|until\b)\s*${number}${seconds}`,
      read: ([start, end]) => [start!, end!],
    },
    { pattern: number + seconds, read: ([time]) => [time!] },
  ];
const notALength = String.raw`(?<!\b(?:for|lasts?|lasting|takes?|taking)\s+(?:(?:about|around|some)\s+)?)`;
const spoken = new RegExp(
  String.raw`${notALength}(?<![\w.:])(?:${ways.map(({ pattern }, i) => `(?<way${i}>${pattern})`).join('|')})`,
  'gi',
);

/**
 * Splits a text at the times that it says in words or as on a clock: `12.5 seconds`, `3 to 8 s`, `1 minute 5 seconds`,
 * `1:05`. Empty strings are left out (ours: for models that know no time tokens).
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
