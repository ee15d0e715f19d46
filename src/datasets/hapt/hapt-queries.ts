import type { HostRandom } from '../../data/host-random.js';
import type { LabelledSegment, Segment } from '../../time/segment.js';

/** A query over an excerpt, as a line of `queries-SPLIT.jsonl` holds it. */
export interface GeneratedQuery {
  readonly qid: number;
  readonly vid: string;
  readonly excerpt: Segment;
  readonly duration: number;
  readonly query: string;
  readonly kind: 'single' | 'ordinal' | 'relation';
  readonly relevant_windows: readonly [Segment];
}

/** A recording that queries are made of. */
export interface QueriedRecording {
  readonly name: string;
  /** In seconds. */
  readonly duration: number;
  /** By start. */
  readonly segments: readonly LabelledSegment[];
}

/** Seconds of an excerpt. */
const EXCERPT = 96;
/** Excerpts begin at multiples of this many seconds. */
const STEP = 0.1;
/** Share of a segment, or else seconds of it, that an excerpt must show for a query to ask for it. */
const [ENOUGH_SHARE, ENOUGH_SECONDS] = [0.5, 5];
/** Seconds between two segments of which one comes "right after" the other. */
const ADJACENT = 1;
/** Excerpts that are tried for each query that is wanted. */
const TRIES = 200;

const SUBJECTS = ['a person', 'the person', 'someone', 'the participant'];
const TIMES = ['first', 'second', 'third', 'fourth'];

/** Ways to say each activity: what someone does, and what someone is doing. */
const PHRASES: Readonly<Record<string, readonly (readonly [does: string, doing: string])[]>> = {
  WALKING: [
    ['walks', 'walking'],
    ['walks on level ground', 'walking on level ground'],
    ['goes for a walk', 'going for a walk'],
  ],
  WALKING_UPSTAIRS: [
    ['walks upstairs', 'walking upstairs'],
    ['climbs the stairs', 'climbing the stairs'],
    ['goes up a staircase', 'going up a staircase'],
  ],
  WALKING_DOWNSTAIRS: [
    ['walks downstairs', 'walking downstairs'],
    ['descends the stairs', 'descending the stairs'],
    ['goes down a staircase', 'going down a staircase'],
  ],
  SITTING: [
    ['sits', 'sitting'],
    ['sits still', 'sitting still'],
    ['remains seated', 'remaining seated'],
  ],
  STANDING: [
    ['stands', 'standing'],
    ['stands still', 'standing still'],
    ['stays on both feet', 'staying on both feet'],
  ],
  LAYING: [
    ['lies still', 'lying still'],
    ['lies at rest', 'lying at rest'],
    ['rests while lying', 'resting while lying'],
  ],
  STAND_TO_SIT: [
    ['sits down', 'sitting down'],
    ['takes a seat', 'taking a seat'],
    ['goes from standing to sitting', 'going from standing to sitting'],
  ],
  SIT_TO_STAND: [
    ['gets up from the seat', 'getting up from the seat'],
    ['rises from the chair', 'rising from the chair'],
    ['goes from sitting to standing', 'going from sitting to standing'],
  ],
  SIT_TO_LIE: [
    ['leans back from the seat to lie down', 'leaning back from the seat to lie down'],
    ['goes from sitting to lying', 'going from sitting to lying'],
  ],
  LIE_TO_SIT: [
    ['raises the upper body to sit', 'raising the upper body to sit'],
    ['goes from lying to sitting', 'going from lying to sitting'],
  ],
  STAND_TO_LIE: [
    ['lies down from standing', 'lying down from standing'],
    ['goes from standing to lying', 'going from standing to lying'],
  ],
  LIE_TO_STAND: [
    ['gets up from lying to standing', 'getting up from lying to standing'],
    ['goes from lying to standing', 'going from lying to standing'],
  ],
};

/**
 * Sentences about excerpts of 96 s of recordings, each true of one segment of its excerpt (ours). A third are of each kind:
 *
 * - `single`: `when SUBJECT DOES`, `the moment in which SUBJECT DOES`, `SUBJECT DOES`; the activity is there once;
 * - `ordinal`: `the NTH time SUBJECT DOES`, `SUBJECT DOES for the NTH time`; it is there twice or more, and the NTH is
 *   counted from the beginning of the excerpt, parts of segments included;
 * - `relation`: `SUBJECT DOES [right] after DOING`, `after DOING, SUBJECT DOES`, and likewise `[just] before`; the two
 *   activities follow each other once in the excerpt, without another between them, and at most 1 s apart where the
 *   sentence says `right` or `just`.
 *
 * A sentence asks only for segments of which the excerpt shows half, or 5 s. The window is what the excerpt shows of it.
 * @param random chooses excerpts, kinds and words
 * @returns `count` of them; fewer where the recordings do not have as many
 */
export function haptQueries(
  recordings: readonly QueriedRecording[],
  count: number,
  random: HostRandom,
): GeneratedQuery[] {
  const queries: GeneratedQuery[] = [];
  const total = recordings.reduce((sum, { duration }) => sum + duration, 0);
  for (let tries = TRIES * count; tries > 0 && queries.length < count; tries--) {
    const recording = atTime(recordings, random.uniform(0, total));
    const duration = Math.min(EXCERPT, recording.duration);
    const start = random.integer(0, Math.floor((recording.duration - duration) / STEP)) * STEP;
    const kind = random.choose(['single', 'ordinal', 'relation'] as const);
    const asked = makers[kind](seenFrom(recording.segments, start, duration), random);
    if (!asked) continue;
    queries.push({
      qid: queries.length,
      vid: recording.name,
      excerpt: [hundredths(start), hundredths(start + duration)],
      duration: hundredths(duration),
      query: asked.sentence,
      kind,
      relevant_windows: [asked.window],
    });
  }
  return queries;
}

const hundredths = (seconds: number): number => Math.round(seconds * 100) / 100;

/** The recording that plays at a time where all follow each other, so that each is as likely as it is long. */
function atTime(recordings: readonly QueriedRecording[], time: number): QueriedRecording {
  let left = time;
  for (const recording of recordings) {
    left -= recording.duration;
    if (left < 0) return recording;
  }
  return recordings.at(-1)!;
}

/** A segment as an excerpt shows it. */
interface Seen {
  readonly label: string;
  /** In seconds of the excerpt. */
  readonly window: Segment;
  /** Whether enough of it is shown. */
  readonly askable: boolean;
}

function seenFrom(segments: readonly LabelledSegment[], from: number, duration: number): Seen[] {
  return segments.flatMap(({ label, segment: [start, end] }) => {
    const window = [
      hundredths(Math.max(0, start - from)),
      hundredths(Math.min(duration, end - from)),
    ] as const;
    const shown = window[1] - window[0];
    if (shown <= 0) return [];
    return [{ label, window, askable: shown >= Math.min(ENOUGH_SECONDS, ENOUGH_SHARE * (end - start)) }];
  });
}

interface Asked {
  readonly sentence: string;
  readonly window: Segment;
}

type Maker = (seen: readonly Seen[], random: HostRandom) => Asked | undefined;

const single: Maker = (seen, random) => {
  const once = seen.filter(
    ({ label, askable }) => askable && seen.filter((other) => other.label === label).length === 1,
  );
  if (once.length === 0) return undefined;
  const { label, window } = random.choose(once);
  const what = `${random.choose(SUBJECTS)} ${does(label, random)}`;
  return { sentence: random.choose([what, `when ${what}`, `the moment in which ${what}`]), window };
};

const ordinal: Maker = (seen, random) => {
  const counted = seen.map((one, i) => ({
    ...one,
    nth: seen.slice(0, i).filter(({ label }) => label === one.label).length,
    of: seen.filter(({ label }) => label === one.label).length,
  }));
  const repeated = counted.filter(({ askable, nth, of }) => askable && of > 1 && nth < TIMES.length);
  if (repeated.length === 0) return undefined;
  const { label, window, nth } = random.choose(repeated);
  const [subject, verb] = [random.choose(SUBJECTS), does(label, random)];
  const time = TIMES[nth];
  return {
    sentence: random.choose([
      `the ${time} time ${subject} ${verb}`,
      `${subject} ${verb} for the ${time} time`,
    ]),
    window,
  };
};

const relation: Maker = (seen, random) => {
  const pairs = seen.slice(1).map((later, i) => ({ earlier: seen[i]!, later }));
  const unique = pairs.filter(
    ({ earlier, later }) =>
      pairs.filter((other) => other.earlier.label === earlier.label && other.later.label === later.label)
        .length === 1,
  );
  const askable = unique.flatMap(({ earlier, later }) => [
    ...(later.askable ? [{ asked: later, other: earlier, word: 'after', close: 'right after' }] : []),
    ...(earlier.askable ? [{ asked: earlier, other: later, word: 'before', close: 'just before' }] : []),
  ]);
  if (askable.length === 0) return undefined;
  const { asked, other, word, close } = random.choose(askable);
  const gap = Math.max(asked.window[0], other.window[0]) - Math.min(asked.window[1], other.window[1]);
  const what = `${random.choose(SUBJECTS)} ${does(asked.label, random)}`;
  const doing = random.choose(phrasesOf(other.label))[1];
  const sentences = [`${what} ${word} ${doing}`, `${word} ${doing}, ${what}`];
  return {
    sentence: random.choose(gap <= ADJACENT ? [...sentences, `${what} ${close} ${doing}`] : sentences),
    window: asked.window,
  };
};

const makers: Readonly<Record<GeneratedQuery['kind'], Maker>> = { single, ordinal, relation };

const phrasesOf = (label: string) => PHRASES[label] ?? [[`does ${label}`, `doing ${label}`] as const];
const does = (label: string, random: HostRandom): string => random.choose(phrasesOf(label))[0];
