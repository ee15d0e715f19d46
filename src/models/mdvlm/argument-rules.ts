import { integer, numberIn, objectWith, type Rule } from '../../arguments.js';
import type { LastLayer } from '../../diffusion/token-logits.js';
import { anyTensor } from '../../tensor/tensor.js';
import type { KeysAndValues } from './language/key-value-cache.js';

export const tokenId: Rule<number> = integer(0, 2 ** 32 - 1);

/** A number from 0 to 1. */
export const shareRule: Rule<number> = numberIn(0, 1);

export const lastLayerRule: Rule<LastLayer> = objectWith<LastLayer>({ hidden: anyTensor, weight: anyTensor });

export const keysAndValuesRule: Rule<KeysAndValues> = objectWith<KeysAndValues>({
  key: anyTensor,
  value: anyTensor,
});
