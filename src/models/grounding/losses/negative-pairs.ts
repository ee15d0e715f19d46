import { mul } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { sum } from '../../../ops/array/reduce.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { meanWhere } from './mean-where.js';

/**
 * What clips with another text are to lose (QD-DETR, arXiv:2303.13874, section 3.3): the sum over the clips of a video of
 * −log(1 − p), the mean over the elements that count; one element.
 * @param unlikely (B, T): −log(1 − p) of each clip
 * @param videoMask u32 (B, T)
 * @param otherVideo f32 (B): 1 where the text is about another video, else 0
 */
export function negativePairs(unlikely: Tensor, videoMask: Tensor, otherVideo: Tensor): Tensor {
  return unlikely.runtime.scope(() =>
    meanWhere(sum(mul(unlikely, cast(videoMask, 'f32')), { axes: 1 }), otherVideo),
  );
}
