import { checkArgument } from '../../arguments.js';
import { type MaybeSampled, maybeSampledRule } from './sampled-clips.js';

/**
 * Clips with two channels more, the temporal endpoint features of Moment-DETR: i / T and (i + 1) / T of row i, where T is the
 * number of rows that are not padding. They stay 0 in padding.
 * @throws OptionError
 */
export function withEndpoints<T extends MaybeSampled>(clips: T): T {
  checkArgument('withEndpoints', 'clips', clips, maybeSampledRule);
  const { steps, channels, data, mask } = clips;
  const known = mask ? mask.reduce((sum, one) => sum + one, 0) : steps;
  const wider = channels + 2;
  const joined = new Float32Array(steps * wider);
  for (let step = 0; step < steps; step++) {
    joined.set(data.subarray(step * channels, (step + 1) * channels), step * wider);
    if (step < known) joined.set([step / known, (step + 1) / known], step * wider + channels);
  }
  return { ...clips, channels: wider, data: joined };
}
