import { checkArguments, integer } from '../../arguments.js';
import { type Draw, drawRule, randomOf } from './draw.js';
import {
  checkNoPadding,
  type MaybeSampled,
  maybeSampledRule,
  rowsOf,
  type SampledClips,
  sampled,
} from './sampled-clips.js';

/**
 * `length` rows in succession, the first of them random; all rows where there are fewer (MS-2D-TAN in training). The video
 * begins at `start` of the result then.
 * @throws OptionError
 */
export function cropRows(clips: MaybeSampled, length: number, draw: Draw): SampledClips {
  checkArguments(
    'cropRows',
    { clips, length, draw },
    { clips: maybeSampledRule, length: integer(1), draw: drawRule },
  );
  checkNoPadding('cropRows', clips);
  if (clips.steps <= length) return sampled(clips);
  return rowsOf(clips, randomOf(draw).integer(0, clips.steps - length), length);
}

/**
 * Clips with rows of zeros behind them up to `length` rows; the mask is 0 there. Longer ones stay as they are.
 * @throws OptionError
 */
export function padRows(clips: MaybeSampled, length: number): SampledClips {
  checkArguments('padRows', { clips, length }, { clips: maybeSampledRule, length: integer(1) });
  const whole = sampled(clips);
  if (clips.steps >= length) return whole;
  const data = new Float32Array(length * clips.channels);
  data.set(clips.data);
  const mask = new Uint8Array(length);
  mask.set(whole.mask);
  return { ...whole, steps: length, data, mask };
}
