import { checkArguments, numbers, positive, spanOf } from '../../arguments.js';
import { type MapLayout, mapScales } from '../../ops/iou-map/map-layout.js';
import { overlap } from '../../time/segment.js';
import { layoutRule } from './operands.js';

/** Start and end in clips. */
export type ClipSpan = readonly [start: number, end: number];

/** Cells whose overlap with the moment is below this say little about where its ends are. */
const nearness = 0.3;
/** How often the grid of candidates is halved. */
const halvings = 5;
/** Candidates on each side of the best, along each end. */
const reach = 2;

/**
 * Sub-cell decoding (ours): the continuous span whose own overlap map fits the predicted maps best, in the least
 * squares, around the cell that was decoded. The cells of a map are overlaps with the true moment, so they say where
 * within a clip it begins and ends. The predicted maps may be lower than overlaps by a common factor, which is fitted
 * too.
 *
 * @param maps the packed maps (R, A) of one query
 * @param moment the decoded moment in clips, which the search starts from
 * @param length clips of the video: the span stays within
 * @throws OptionError
 */
export function refineMoment(
  maps: ArrayLike<number>,
  layout: MapLayout,
  moment: ClipSpan,
  length: number,
): ClipSpan {
  checkArguments(
    'refineMoment',
    { maps, layout, moment, length },
    { maps: numbers, layout: layoutRule, moment: spanOf(), length: positive },
  );
  const cells = cellsNear(maps, layout, moment, length);
  if (cells.length < 3) return moment;
  const misfit = ([start, end]: ClipSpan) => {
    let [product, norm, square] = [0, 0, 0];
    for (const { span, score } of cells) {
      const ideal = overlap(span, [start, end]);
      product += ideal * score;
      norm += ideal * ideal;
      square += score * score;
    }
    // The best factor, at most 1, in closed form.
    const factor = Math.min(1, norm > 0 ? product / norm : 0);
    return square - 2 * factor * product + factor * factor * norm;
  };
  let best = moment;
  let least = misfit(moment);
  const stride = strideOf(layout, moment[1] - moment[0]);
  for (let step = stride / 2, round = 0; round <= halvings; round++, step /= 2) {
    const [start, end] = best;
    for (let i = -reach; i <= reach; i++) {
      for (let j = -reach; j <= reach; j++) {
        const candidate: ClipSpan = [Math.max(0, start + i * step), Math.min(length, end + j * step)];
        if (candidate[1] - candidate[0] < 0.1) continue;
        const value = misfit(candidate);
        if (value < least) [best, least] = [candidate, value];
      }
    }
  }
  return best;
}

/** The distance of neighbouring cells on the finest scale that has moments so long. */
function strideOf({ scales, durations }: MapLayout, duration: number): number {
  for (let scale = 0; scale < scales; scale++) if (duration <= durations * 2 ** scale) return 2 ** scale;
  return 2 ** (scales - 1);
}

function cellsNear(maps: ArrayLike<number>, layout: MapLayout, moment: ClipSpan, length: number) {
  const cells: { readonly span: ClipSpan; readonly score: number }[] = [];
  for (const { stride, offset, rows } of mapScales(layout)) {
    for (let row = 0; row < rows; row++) {
      const start = row * stride;
      if (start >= moment[1]) break;
      for (let column = 0; column < layout.durations; column++) {
        const span: ClipSpan = [start, start + (column + 1) * stride];
        if (span[1] > length) break;
        if (overlap(span, moment) < nearness) continue;
        cells.push({ span, score: maps[(offset + row) * layout.durations + column]! });
      }
    }
  }
  return cells;
}
