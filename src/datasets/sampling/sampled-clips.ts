import { instanceOf, integer, number, objectWith, optional, positive, type Rule } from '../../arguments.js';
import { OptionError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import type { ClipFeatures } from '../video-dataset.js';

/** Features of a video in the form that a model takes: cut, padded or resampled; each row still has a time. */
export interface SampledClips extends ClipFeatures {
  /** Seconds of the video at which row 0 begins; row i begins `stride` * i later. */
  readonly start: number;
  /** 1 for each row of the video, 0 for padding. */
  readonly mask: Uint8Array;
}

/** Clips that may have been sampled before. */
export type MaybeSampled = ClipFeatures & Partial<Pick<SampledClips, 'start' | 'mask'>>;

export const maybeSampledRule: Rule<MaybeSampled> = objectWith<MaybeSampled>({
  steps: integer(1),
  channels: integer(1),
  data: instanceOf(Float32Array, 'a Float32Array'),
  stride: positive,
  window: positive,
  start: optional(number),
  mask: optional(instanceOf(Uint8Array, 'a Uint8Array')),
});

/** Padding comes last: rows of it would be taken for rows of the video. @throws OptionError */
export function checkNoPadding(where: string, { mask }: MaybeSampled): void {
  if (mask?.includes(0)) throw new OptionError(`${where}: clips are padded already: pad them last`);
}

/** Clips as they are; what was not sampled before begins at 0 and has no padding. */
export function sampled(clips: MaybeSampled): SampledClips {
  return { ...clips, start: clips.start ?? 0, mask: clips.mask ?? new Uint8Array(clips.steps).fill(1) };
}

/** Rows [first, first + steps) of clips. */
export function rowsOf(clips: MaybeSampled, first: number, steps: number): SampledClips {
  const { channels, data, stride, start, mask } = sampled(clips);
  return {
    ...clips,
    steps,
    data: data.slice(first * channels, (first + steps) * channels),
    start: start + first * stride,
    mask: mask.slice(first, first + steps),
  };
}

/** The rows that begin within a window of the video, in seconds; at least one. */
export function rowsWithin(clips: MaybeSampled, [start, end]: Segment): SampledClips {
  const { steps, stride } = clips;
  const first = Math.min(steps - 1, Math.round(start / stride));
  const last = Math.min(steps, Math.max(first + 1, Math.round(end / stride)));
  return rowsOf(clips, first, last - first);
}

/** The chosen rows, in their order; where there is more than one for each row of the result, their mean. */
export function gatherRows(
  clips: MaybeSampled,
  chosen: readonly (readonly [first: number, end: number])[],
): Float32Array {
  const { channels, data } = clips;
  const gathered = new Float32Array(chosen.length * channels);
  for (const [i, [first, end]] of chosen.entries()) {
    if (end - first === 1) {
      gathered.set(data.subarray(first * channels, end * channels), i * channels);
      continue;
    }
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let row = first; row < end; row++) sum += data[row * channels + channel]!;
      gathered[i * channels + channel] = sum / (end - first);
    }
  }
  return gathered;
}
