import { checkFields, integer, type Rules } from '../../arguments.js';
import { OptionError } from '../../errors.js';

/**
 * Multi-scale maps of candidate moments over N clips (MS-2D-TAN): scale k has floor(N / 2^k) rows and A
 * columns, and its cell (i, j) is the moment that begins at clip 2^k i and lasts 2^k (j + 1) clips.
 *
 * All scales stand in one tensor (B, R, A): the R = sum_k floor(N / 2^k) rows of scale 0, then those of
 * scale 1, and so on. The diffusion state, its noise, its DDIM step and a masked loss thus take all scales at
 * once, the cells are the tokens of a transformer decoder as they stand, and a decoder that works scale by
 * scale narrows axis 1 to the rows of a scale (`mapScales`): a plain (B, rows, A) map.
 * kernels/lib/map_layout.wgsl is the same layout on the device.
 */
export interface MapLayout {
  /** N: clips of the longest video. At least 2^(scales - 1). */
  readonly clips: number;
  /** K: scales of stride 1, 2, …, 2^(K - 1). */
  readonly scales: number;
  /** A: durations of each scale. */
  readonly durations: number;
}

export const layoutRules: Rules<MapLayout> = {
  clips: integer(1, 0xffff),
  scales: integer(1, 0xffff),
  durations: integer(1, 0xffff),
};

/** One scale of a packed map. */
export interface MapScale {
  /** Clips between starts and between durations: 2^k. */
  readonly stride: number;
  /** First row of the scale in the packed map. */
  readonly offset: number;
  readonly rows: number;
}

/** Where each scale stands in the packed map. @throws OptionError for a layout that cannot be. */
export function mapScales(layout: MapLayout): MapScale[] {
  return scalesOf('mapScales', layout);
}

/** R: rows of the packed map. @throws OptionError as `mapScales` */
export function mapRows(layout: MapLayout): number {
  return rowsOf('mapRows', layout);
}

/** {@link mapRows} for the function that was called. */
export function rowsOf(where: string, layout: MapLayout): number {
  return scalesOf(where, layout).reduce((sum, { rows }) => sum + rows, 0);
}

function scalesOf(where: string, layout: MapLayout): MapScale[] {
  checkFields(where, layout, layoutRules);
  const { clips, scales } = layout;
  if (clips < 2 ** (scales - 1)) {
    throw new OptionError(
      `${where}: ${clips} clips are too few for ${scales} scales: give at least ${2 ** (scales - 1)}`,
    );
  }
  let offset = 0;
  return Array.from({ length: scales }, (_, k) => {
    const stride = 2 ** k;
    const rows = Math.floor(clips / stride);
    offset += rows;
    return { stride, offset: offset - rows, rows };
  });
}
