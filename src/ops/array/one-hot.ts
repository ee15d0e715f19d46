import { checkFields, integer, optional, type Rules } from '../../arguments.js';
import { anyDtype, type Dtype } from '../../tensor/dtype.js';
import { checkTensor, expectDtype, type Tensor } from '../../tensor/tensor.js';
import { arange } from './arange.js';
import { equal } from './binary.js';
import { cast } from './cast.js';

export interface OneHotOptions {
  /** Size of the new axis. */
  readonly classes: number;
  /** Default: f32. */
  readonly dtype?: Dtype | undefined;
}

const rules: Rules<OneHotOptions> = { classes: integer(1, 2 ** 32 - 1), dtype: optional(anyDtype) };

/**
 * `ids` (…) u32 to (…, classes): 1 in the place of each id, else 0. An id of `classes` or more gives zeros.
 * @throws DtypeError, OptionError, ShapeError
 */
export function oneHot(ids: Tensor, options: OneHotOptions): Tensor {
  checkTensor('oneHot', 'ids', ids);
  checkFields('oneHot', options, rules);
  expectDtype(ids, 'oneHot: ids', 'u32');
  const { classes, dtype = 'f32' } = options;
  const { runtime } = ids;
  return runtime.scope(() => {
    const all = arange(runtime, { end: classes, dtype: 'u32' });
    return cast(equal(ids.reshape([...ids.shape, 1]), all), dtype);
  });
}
