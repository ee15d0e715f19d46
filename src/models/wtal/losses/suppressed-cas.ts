import { add, mul, sub } from '../../../ops/array/binary.js';
import { min } from '../../../ops/array/reduce.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * The CAS without the background, A (s − min s) + min s (CO2-Net): of `cas` (B, T, K) and `attention` (B, T), the least
 * logit of each snippet being where attention 0 leads.
 */
export function suppressedCas(cas: Tensor, attention: Tensor): Tensor {
  return cas.runtime.scope(() => {
    const least = min(cas, { axes: 2, keepDims: true });
    return add(mul(attention.reshape([...attention.shape, 1]), sub(cas, least)), least);
  });
}
