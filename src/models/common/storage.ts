import { OptionError } from '../../errors.js';
import type { WeightStorage } from '../../nn/weight-storage.js';

/** @throws OptionError where another storage than f32 is wanted of an architecture that has only that */
export function refuseStorage(architecture: string, dtype: WeightStorage | undefined): void {
  if (dtype === undefined || dtype === 'f32') return;
  throw new OptionError(`openModel: a ${architecture} model keeps its weights in f32, not in ${dtype}`);
}
