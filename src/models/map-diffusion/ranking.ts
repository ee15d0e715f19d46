import {
  checkArguments,
  checkFields,
  either,
  flag,
  integer,
  listOf,
  numberIn,
  oneOf,
  optional,
  positive,
  type Rules,
} from '../../arguments.js';
import { spanWithin } from '../../data/annotations/question-answer.js';
import { decodeMoments } from '../../ops/iou-map/decode-moments.js';
import type { MapLayout } from '../../ops/iou-map/map-layout.js';
import { mergeMaps } from '../../ops/iou-map/merge-maps.js';
import type { Tensor } from '../../tensor/tensor.js';
import { anyTensor } from '../../tensor/tensor.js';
import type { ScoredSegment } from '../../time/segment.js';
import { suppress } from '../../time/segment.js';
import { layoutRule } from './operands.js';
import { refineMoment } from './refine.js';

export interface RankingOptions {
  /** Moments of each query; default 5. */
  readonly count?: number;
  /** A moment is dropped when its overlap with a better one is above this; default 0.49 (2D-TAN). */
  readonly threshold?: number;
  /** Sub-cell decoding, see `refineMoment`; default true. */
  readonly refine?: boolean;
  /**
   * `ms-2d-tan` decodes as the released code does, for comparison with published numbers: the merged map starts from
   * 0, and as many cells of each query are ranked as the first query of the batch has valid ones. No sub-cell decoding.
   */
  readonly compat?: 'ms-2d-tan';
  /**
   * Seconds of each query's video. A last clip counts where half of it belongs to the video, so that moments may end after the video;
   * they are cut to it, and what begins after it is left out. Default: as long as the clips.
   */
  readonly durations?: readonly number[];
}

export const rankingRules: Rules<RankingOptions> = {
  count: optional(integer(1)),
  threshold: optional(numberIn(0, 1)),
  refine: optional(flag),
  compat: optional(oneOf('ms-2d-tan')),
  durations: optional(listOf(positive)),
};

/**
 * The ranked moments of each query: the scales merged by their maximum, the best cells, non-maximum suppression (paper,
 * section 3.4).
 * @param maps (Q, R, A) f32
 * @param lengths (Q) u32: clips of each query's video
 * @param unit seconds a clip, of all queries or of each
 * @returns for each query its moments, best first, in seconds
 * @throws OptionError, ShapeError, DtypeError
 */
export async function rankMoments(
  maps: Tensor,
  lengths: Tensor,
  layout: MapLayout,
  unit: number | readonly number[],
  options: RankingOptions = {},
): Promise<ScoredSegment[][]> {
  checkArguments(
    'rankMoments',
    { maps, lengths, layout, unit },
    { maps: anyTensor, lengths: anyTensor, layout: layoutRule, unit: either(positive, listOf(positive)) },
  );
  checkFields('rankMoments', options, rankingRules);
  const { count = 5, threshold = 0.49, refine = true, compat, durations } = options;
  const units = Array.from({ length: maps.shape[0]! }, (_, q) =>
    typeof unit === 'number' ? unit : unit[q]!,
  );
  const within = (moments: readonly ScoredSegment[], q: number) => cutTo(durations?.[q] ?? Infinity, moments);
  if (compat) {
    return (await rankAsReleased(maps, lengths, layout, units, count, threshold)).map(within);
  }
  const { runtime } = maps;
  // Refined moments may come to overlap: some more are decoded, to be suppressed once more.
  const decoded = refine ? Math.min(3 * count, 1024) : count;
  // A read is recorded at once: what it reads need not live until it is done.
  const reads = runtime.scope(() => {
    const merged = mergeMaps(maps, { ...layout, lengths });
    const found = decodeMoments(merged, { unit: 1, count: decoded, threshold });
    return [found.moments.read(), found.counts.read(), maps.read(), lengths.read()] as const;
  });
  const [moments, counts, scores, clips] = await Promise.all(reads);
  const cells = scores.length / units.length;
  return units.map((seconds, q) => {
    const own = scores.subarray(q * cells, (q + 1) * cells);
    const ranked = Array.from({ length: counts[q]! }, (_, i) => {
      const [start, end, score] = [0, 1, 2].map((k) => moments[3 * (q * decoded + i) + k]!) as [
        number,
        number,
        number,
      ];
      const span = refine ? refineMoment(own, layout, [start, end], clips[q]!) : ([start, end] as const);
      return { segment: [span[0] * seconds, span[1] * seconds] as const, score };
    });
    const kept = within(ranked, q);
    return refine ? suppress(kept, threshold).slice(0, count) : kept;
  });
}

function cutTo(duration: number, moments: readonly ScoredSegment[]): ScoredSegment[] {
  return moments.flatMap(({ segment, score }) => {
    const cut = spanWithin(...segment, duration);
    return cut ? [{ segment: cut, score }] : [];
  });
}

async function rankAsReleased(
  maps: Tensor,
  lengths: Tensor,
  layout: MapLayout,
  units: readonly number[],
  count: number,
  threshold: number,
): Promise<ScoredSegment[][]> {
  const { clips } = layout;
  const reads = maps.runtime.scope(
    () =>
      [
        mergeMaps(maps, { ...layout, lengths, initial: 0 }).read(),
        mergeMaps(maps, { ...layout, lengths }).read(),
      ] as const,
  );
  const [scores, valid] = await Promise.all(reads);
  const ranked = valid.subarray(0, clips * clips).filter((score) => score > -1e38).length;
  return units.map((seconds, q) => {
    const own = scores.subarray(q * clips * clips, (q + 1) * clips * clips);
    const order = [...own.keys()].sort((a, b) => own[b]! - own[a]! || a - b).slice(0, ranked);
    const segments = order.map((cell) => {
      const start = Math.floor(cell / clips);
      const segment = [start * seconds, (start + (cell % clips) + 1) * seconds] as const;
      return { segment, score: own[cell]! };
    });
    return suppress(segments, threshold).slice(0, count);
  });
}
