import { div, maximum, sub } from '../../../ops/array/binary.js';
import { log } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** What x and 1 − x are at least. */
const least = 1e-3;

/** log(x / (1 − x)) of numbers in [0, 1], both terms at least 0.001 (DAB-DETR). */
export function inverseSigmoid(x: Tensor): Tensor {
  return x.runtime.scope(() => log(div(maximum(x, least), maximum(sub(1, x), least))));
}
