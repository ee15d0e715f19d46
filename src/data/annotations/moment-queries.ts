import {
  checkArguments,
  either,
  integer,
  listOf,
  mapOf,
  objectWith,
  path as pathRule,
  positive,
  type Rule,
  spanOf,
  text,
} from '../../arguments.js';
import type { Segment } from '../../time/segment.js';
import {
  type JsonRecord,
  type OnRefused,
  type QueryId,
  readEach,
  readJsonLines,
} from '../formats/json-record.js';

/** A sentence about an excerpt of a recording, and the moments of which it is true. */
export interface MomentQuery {
  readonly qid: QueryId;
  /** The recording's name. */
  readonly vid: string;
  /** [start, end] of the excerpt, in seconds of the recording. */
  readonly excerpt: Segment;
  /** Length of the excerpt in seconds. */
  readonly duration: number;
  readonly query: string;
  /** What the sentence asks for, such as `single`, `ordinal` or `relation`; empty where the file does not say. */
  readonly kind: string;
  /** The moments, in seconds of the excerpt; empty where the answer is kept back. */
  readonly windows: readonly Segment[];
}

export const momentQueryRule: Rule<MomentQuery> = objectWith<MomentQuery>({
  qid: either(integer(), text),
  vid: text,
  excerpt: spanOf(),
  duration: positive,
  query: text,
  kind: text,
  windows: listOf(spanOf()),
});

/** Times are written in hundredths of a second or so: half a thousandth is rounding. */
const ROUNDING = 5e-4;

const within = ([start, end]: Segment, duration: number): boolean =>
  start >= -ROUNDING && end <= duration + ROUNDING;

const print = ([start, end]: Segment): string => `[${start}, ${end}]`;

function readQuery(
  line: JsonRecord,
  recordings: ReadonlyMap<string, { readonly duration: number }>,
): MomentQuery {
  const vid = line.text('vid');
  const recording = recordings.get(vid);
  if (!recording) throw line.error(`vid ${JSON.stringify(vid)} is no recording of the folder`);
  const excerpt = line.span('excerpt');
  if (!within(excerpt, recording.duration)) {
    throw line.error(`excerpt ${print(excerpt)} is not within ${vid}, ${recording.duration} s long`);
  }
  const duration = line.number('duration');
  if (duration <= 0 || Math.abs(excerpt[1] - excerpt[0] - duration) > ROUNDING) {
    throw line.error(`duration is ${duration}, the excerpt is ${print(excerpt)}`);
  }
  const windows = line.has('relevant_windows') ? line.spans('relevant_windows') : [];
  for (const window of windows) {
    if (window[0] === window[1]) throw line.error(`window ${print(window)} has no length`);
    if (!within(window, duration)) {
      throw line.error(`window ${print(window)} is not within the excerpt of ${duration} s`);
    }
  }
  return {
    qid: line.queryId('qid'),
    vid,
    excerpt,
    duration,
    query: line.text('query'),
    kind: line.has('kind') ? line.text('kind') : '',
    windows,
  };
}

/**
 * Reads moment queries over recordings: JSON lines of `qid`, `vid`, `excerpt`, `duration`, `query`, `kind` and
 * `relevant_windows`, spans in seconds. An excerpt may be as short as its recording.
 * @param recordings the recordings by name, which the excerpts must lie within (`openRecordings`)
 * @throws FileAccessError where the file cannot be read; FileFormatError with its line where a field is missing
 *   or of another type, a span starts after its end or leaves its excerpt, an excerpt leaves its recording, the
 *   recording is unknown, the sentence is empty, or a `qid` comes twice
 */
export async function readMomentQueries(
  path: string,
  recordings: ReadonlyMap<string, { readonly duration: number }>,
): Promise<MomentQuery[]> {
  checkArguments(
    'readMomentQueries',
    { path, recordings },
    { path: pathRule, recordings: mapOf(objectWith({ duration: positive })) },
  );
  return momentQueries(path, recordings);
}

/** As `readMomentQueries`; a line that breaks the format is passed over where there is `onRefused`. */
export async function momentQueries(
  path: string,
  recordings: ReadonlyMap<string, { readonly duration: number }>,
  onRefused?: OnRefused,
): Promise<MomentQuery[]> {
  const seen = new Set<QueryId>();
  const read = (line: JsonRecord): MomentQuery => {
    const query = readQuery(line, recordings);
    if (seen.has(query.qid)) throw line.error(`qid ${JSON.stringify(query.qid)} occurs twice`);
    seen.add(query.qid);
    return query;
  };
  return readEach(await readJsonLines(path), read, onRefused);
}
