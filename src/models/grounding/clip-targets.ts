import type { HostRandom } from '../../data/host-random.js';
import type { ClipScores } from '../../datasets/video-dataset.js';
import type { Segment } from '../../time/segment.js';

/** What is to be found in an example. */
export interface ClipTargets {
  /** Centre and width of at most `mostMoments` moments, as parts of the clips. */
  readonly spans: readonly (readonly [centre: number, width: number])[];
  /** For each clip whether it belongs to a moment. */
  readonly moments: readonly boolean[];
  /** For each clip its rank, from 0 to 12. */
  readonly levels: readonly number[];
  /** `clipPairs` pairs of clips, the first to be more salient than the second; one of them is -1 where there is no pair. */
  readonly pairs: readonly (readonly [higher: number, lower: number])[];
}

/** Moments that an example is trained on at most; of more some are drawn (Moment-DETR). */
export const mostMoments = 5;
/** Pairs of clips of an example: two whose scores differ most, and two at random. */
export const clipPairs = 4;
const hardPairs = 2;
const mostLevel = 12;

/** Clips of a window: how many, the seconds from one to the next, and those of each (default: the same). */
interface Clips {
  readonly clips: number;
  readonly unit: number;
  readonly clipSeconds?: number;
}

/**
 * What is to be found in clips.
 * @param windows the moments, in seconds from the first clip
 * @param scores of clips, in such seconds too; without, clips of moments have rank 1, as in Charades-STA
 * @param range the lowest and the highest score of an annotator: ranks are in proportion to the mean
 */
export function clipTargets(
  { clips, unit, clipSeconds = unit }: Clips,
  windows: readonly Segment[],
  scores: ClipScores | undefined,
  range: readonly [number, number],
  random: HostRandom,
): ClipTargets {
  const centres = Array.from({ length: clips }, (_, i) => i * unit + clipSeconds / 2);
  const within = (seconds: number, [start, end]: Segment) => start <= seconds && seconds < end;
  const moments = centres.map((seconds) => windows.some((window) => within(seconds, window)));
  const ranks = centres.map((seconds) => scores && rankAt(scores, range, seconds));
  const levels = ranks.map((rank, i) => rank ?? (scores ? 0 : Number(moments[i])));
  const chosen =
    windows.length <= mostMoments
      ? windows
      : [...random.permutation(windows.length)].slice(0, mostMoments).map((i) => windows[i]!);
  const length = clips * unit;
  const bounded = (seconds: number) => Math.min(1, Math.max(0, seconds / length));
  return {
    spans: chosen.map(([start, end]) => {
      const [from, to] = [bounded(start), bounded(end)];
      return [(from + to) / 2, to - from];
    }),
    moments,
    levels,
    pairs: pairsOf(levels, ranks, moments, random),
  };
}

/** The rank of the clip that people scored at a time; undefined where there is none. */
function rankAt({ clips, scores }: ClipScores, [low, high]: readonly [number, number], seconds: number) {
  // Of clips that overlap the one whose middle is nearest.
  let best = -1;
  let least = Infinity;
  clips.forEach(([start, end], i) => {
    const distance = Math.abs((start + end) / 2 - seconds);
    if (distance <= (end - start) / 2 && distance < least) [best, least] = [i, distance];
  });
  if (best < 0) return undefined;
  const known = scores.map((row) => row[best]!).filter((score) => !Number.isNaN(score));
  if (known.length === 0) return undefined;
  const mean = known.reduce((a, b) => a + b) / known.length;
  return mostLevel * Math.min(1, Math.max(0, (mean - low) / (high - low)));
}

/**
 * Of scored clips the highest with the lowest, the second with the last but one; then clips of moments with others, at random. Where
 * no moments are known, those are the better and the worse half.
 */
function pairsOf(
  levels: readonly number[],
  ranks: readonly (number | undefined)[],
  moments: readonly boolean[],
  random: HostRandom,
): [number, number][] {
  const all = [...levels.keys()];
  const scored = all.filter((i) => ranks[i] !== undefined).sort((a, b) => levels[b]! - levels[a]!);
  const anyMoment = moments.includes(true);
  const half = Math.floor(scored.length / 2);
  const inside = anyMoment ? all.filter((i) => moments[i]) : scored.slice(0, half);
  const outside = anyMoment ? all.filter((i) => !moments[i]) : scored.slice(half);
  const easy = (): [number, number] =>
    inside.length > 0 && outside.length > 0 ? [random.choose(inside), random.choose(outside)] : none;
  return Array.from({ length: clipPairs }, (_, k) => {
    if (k >= hardPairs || scored.length < 2 * hardPairs) return rightWay(easy(), levels);
    return rightWay([scored[k]!, scored.at(-1 - k)!], levels);
  });
}

const none: [number, number] = [-1, -1];

/** A pair that says nothing is none. */
function rightWay(pair: [number, number], levels: readonly number[]): [number, number] {
  const [higher, lower] = pair;
  return higher >= 0 && levels[higher]! > levels[lower]! ? pair : none;
}
