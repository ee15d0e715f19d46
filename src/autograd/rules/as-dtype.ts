import { cast } from '../../ops/array/cast.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';

/** The tensor itself where it has the type, else its elements in that type. */
export function asDtype(x: Tensor, dtype: Dtype): Tensor {
  return x.dtype === dtype ? x : cast(x, dtype);
}
