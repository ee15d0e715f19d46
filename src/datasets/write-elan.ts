import { checkArguments, optional, path as pathRule } from '../arguments.js';
import { formatElan, type WrittenTier } from '../data/annotations/elan.js';
import { writeWhole } from '../data/files/output-file.js';
import { isXmlText } from '../data/formats/xml.js';
import { OptionError } from '../errors.js';
import type { Segment } from '../time/segment.js';
import { DURATION, formatQueryId, QUERY_ID, QUERY_KIND } from './layouts/elan.js';
import { checkWritten, type WrittenVideo } from './written-video.js';

type WrittenAnnotation = WrittenTier['annotations'][number];

/**
 * Writes the annotations of a video as an ELAN file (EAF 3.0), which the layout `elan` reads: the tiers `segments`,
 * `captions`, `queries` with tiers of their ids and kinds, and `labels`. ELAN has times in milliseconds, to which they are
 * rounded, and no overlaps in a tier, so that overlapping annotations go to further tiers (`segments 2`).
 * @param path the file, `.eaf`
 * @param media path or URL of the video, for ELAN to open
 * @throws FileAccessError; OptionError where the video has something that ELAN has no place for: scores of clips, a query
 *   about an excerpt or without a window, or a text that XML cannot hold
 */
export async function writeElan(path: string, video: WrittenVideo, media?: string): Promise<void> {
  checkArguments('writeElan', { path, media }, { path: pathRule, media: optional(pathRule) });
  checkWritten('writeElan', 'video', video);
  const { duration, annotations } = video;
  const { segments, captions, queries, labels } = annotations;
  const tiers = [
    ...(segments
      ? tiersOf(
          'segments',
          segments.map(({ label, segment }) => at(segment, label)),
        )
      : []),
    ...(captions
      ? tiersOf(
          'captions',
          captions.map(({ text, segment }) => at(segment, text)),
        )
      : []),
    ...(queries
      ? tiersOf(
          'queries',
          queries.flatMap(({ id, text, windows, kind }) =>
            windows.map((window) => ({
              ...at(window, text),
              below: { [QUERY_ID]: formatQueryId(id), ...(kind !== '' && { [QUERY_KIND]: kind }) },
            })),
          ),
        )
      : []),
    ...(labels
      ? tiersOf(
          'labels',
          labels.map((label) => at([0, duration], label)),
        )
      : []),
  ];
  const texts = tiers.flatMap(({ annotations }) =>
    annotations.flatMap(({ value, below }) => [value, ...Object.values(below ?? {})]),
  );
  const strange = [...texts, ...(media === undefined ? [] : [media])].find((text) => !isXmlText(text));
  if (strange !== undefined)
    throw new OptionError(
      `writeElan: ${JSON.stringify(strange)} holds a character that XML has no way to write`,
    );
  await writeWhole(path, formatElan(tiers, { [DURATION]: String(duration) }, media));
}

/** Milliseconds, of which there is at least one. */
function at([start, end]: Segment, value: string): WrittenAnnotation {
  const from = Math.round(start * 1000);
  return { start: from, end: Math.max(from + 1, Math.round(end * 1000)), value };
}

/** As few tiers as hold the annotations without an overlap; one, empty, where there are none. */
function tiersOf(name: string, annotations: readonly WrittenAnnotation[]): WrittenTier[] {
  const tiers: WrittenAnnotation[][] = [[]];
  for (const one of [...annotations].sort((a, b) => a.start - b.start)) {
    const free = tiers.find((tier) => (tier.at(-1)?.end ?? 0) <= one.start);
    if (free) free.push(one);
    else tiers.push([one]);
  }
  return tiers.map((annotations, i) => ({ name: i === 0 ? name : `${name} ${i + 1}`, annotations }));
}
