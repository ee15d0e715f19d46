import { checkArgument } from '../../arguments.js';
import { type Features, featuresRule } from '../../data/formats/features.js';

/** PyTorch's `F.normalize` divides by no less, so that a row of zeros stays one. */
const LEAST_NORM = 1e-12;

/**
 * Features whose rows have length 1: each row divided by its Euclidean norm, as `F.normalize` of PyTorch does (2D-TAN).
 * Moment-DETR and its descendants add 1e-5 to the norm instead, which differs by less than 1e-5 where norms are above 1.
 * @throws OptionError
 */
export function normalizeRows<T extends Features>(features: T): T {
  checkArgument('normalizeRows', 'features', features, featuresRule);
  const { steps, channels } = features;
  const data = new Float32Array(features.data.length);
  for (let step = 0; step < steps; step++) {
    const row = features.data.subarray(step * channels, (step + 1) * channels);
    let squares = 0;
    for (const value of row) squares += value * value;
    const norm = Math.max(Math.sqrt(squares), LEAST_NORM);
    for (let i = 0; i < channels; i++) data[step * channels + i] = row[i]! / norm;
  }
  return { ...features, data };
}
