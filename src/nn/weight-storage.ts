import type { DeviceTraits } from '../gpu/traits.js';
import type { WeightDtype } from './stored-weight.js';

/** How a model can store its matrices: as numbers, or quantised in groups of 64 (`QuantizationFormat`). */
export const weightStorages = ['f32', 'f16', 'int8', 'int4'] as const;

export type WeightStorage = (typeof weightStorages)[number];

/** The bits of quantised weights. */
export function quantizedBits(storage: WeightStorage): 4 | 8 | undefined {
  return storage === 'int8' ? 8 : storage === 'int4' ? 4 : undefined;
}

/** The type of what stays numbers beside quantised weights, and of the inputs of linear layers. */
export function numberDtype(storage: WeightStorage, { f16 }: Pick<DeviceTraits, 'f16'>): WeightDtype {
  if (storage === 'f32' || storage === 'f16') return storage;
  return f16 ? 'f16' : 'f32';
}
