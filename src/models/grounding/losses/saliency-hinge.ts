import { div, less, maximum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { gather } from '../../../ops/array/gather.js';
import { sum } from '../../../ops/array/reduce.js';
import { relu, scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface ClipPairs {
  /** u32 (B, P): clips that are to be more salient … */
  readonly higher: Tensor;
  /** … than these, u32 (B, P). A pair with a number of no clip does not count. */
  readonly lower: Tensor;
}

/**
 * 2 relu(margin + s_lower − s_higher), the mean over the pairs that count (Moment-DETR, arXiv:2107.09609, equation 4): one element.
 * @param scores (B, T)
 */
export function saliencyHinge(scores: Tensor, { higher, lower }: ClipPairs, margin: number): Tensor {
  return scores.runtime.scope(() => {
    const clips = scores.shape[1]!;
    const of = (ids: Tensor) => gather({ x: scores, ids }, { axis: 1 });
    const counted = cast(mul(less(higher, clips), less(lower, clips)), 'f32');
    const short = relu(scaleShift(sub(of(lower), of(higher)), 1, margin));
    return scaleShift(div(sum(mul(short, counted)), maximum(sum(counted), 1)), 2, 0);
  });
}
