import { checkArguments, integer, oneOf, optional } from '../../arguments.js';
import { type Draw, drawRule, randomOf } from './draw.js';
import {
  checkNoPadding,
  gatherRows,
  type MaybeSampled,
  maybeSampledRule,
  type SampledClips,
} from './sampled-clips.js';

/**
 * Exactly `length` of L rows by stratified sampling, as W-TALC, CO2-Net and DELU do: row i of the result is a random one from
 * ⌊i L / length⌋ to ⌊(i + 1) L / length⌋, both included, and no later than the last; without `draw`, for tests, the first of
 * these. Rows repeat where there are fewer; nothing is cropped or padded.
 * @throws OptionError
 */
export function resampleRows(clips: MaybeSampled, length: number, draw?: Draw): SampledClips {
  checkArguments(
    'resampleRows',
    { clips, length, draw },
    { clips: maybeSampledRule, length: integer(1), draw: optional(drawRule) },
  );
  checkNoPadding('resampleRows', clips);
  const random = draw && randomOf(draw);
  const rows = Array.from({ length }, (_, i) => {
    const first = Math.floor((i * clips.steps) / length);
    const last = Math.min(Math.floor(((i + 1) * clips.steps) / length), clips.steps - 1);
    const row = random ? random.integer(first, last) : first;
    return [row, row + 1] as const;
  });
  return resampled(clips, rows);
}

/**
 * Exactly `length` rows, each of a bin of about L / length rows: their mean (2D-TAN) or the middle one (MS-2D-TAN on
 * ActivityNet). Bin i begins where i L / length is rounded, halves to even as PyTorch rounds, and at the last row at most; it
 * ends where the next begins, or holds one row. So the last row is in no bin where bins are longer than a row: both have that.
 * @throws OptionError
 */
export function binRows(clips: MaybeSampled, length: number, take: 'mean' | 'middle'): SampledClips {
  checkArguments(
    'binRows',
    { clips, length, take },
    { clips: maybeSampledRule, length: integer(1), take: oneOf('mean', 'middle') },
  );
  checkNoPadding('binRows', clips);
  const bound = (i: number) => Math.min(roundToEven((i * clips.steps) / length), clips.steps - 1);
  const rows = Array.from({ length }, (_, i) => {
    const [first, end] = [bound(i), Math.max(bound(i + 1), bound(i) + 1)];
    if (take === 'mean') return [first, end] as const;
    const middle = Math.floor((first + end) / 2);
    const row = end - first > 1 ? middle : first;
    return [row, row + 1] as const;
  });
  return resampled(clips, rows);
}

/** Clips of rows, or of means of rows, that are spread evenly over the video. */
function resampled(clips: MaybeSampled, rows: readonly (readonly [number, number])[]): SampledClips {
  const stride = (clips.stride * clips.steps) / rows.length;
  return {
    ...clips,
    steps: rows.length,
    data: gatherRows(clips, rows),
    stride,
    window: Math.max(clips.window, stride),
    start: clips.start ?? 0,
    mask: new Uint8Array(rows.length).fill(1),
  };
}

function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
