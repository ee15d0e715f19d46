import { div, maximum, minimum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { sum } from '../../../ops/array/reduce.js';
import { square } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { cosines } from '../masra/cosines.js';
import { meanWhere } from './mean-where.js';

/** Clips that are described by texts. */
export interface CaptionedClips {
  /** f32 (B, T, P): embeddings of the captions. */
  readonly captions: Tensor;
  /** u32 (B, T): 1 for clips that have one. */
  readonly captionMask: Tensor;
}

/**
 * MASRA's local relational consistency alignment (LRCA, equations 7 and 8): 1/T² Σᵢⱼ (sᵢⱼ − rᵢⱼ)² over the T clips of a video that have a
 * caption, s being the cosines of clips and r those of their captions; the mean over the videos that have any, one element.
 * @param features (B, T, d)
 */
export function relationAlignment(features: Tensor, { captions, captionMask }: CaptionedClips): Tensor {
  const [batch, clips] = captionMask.shape as [number, number];
  return features.runtime.scope(() => {
    const there = cast(captionMask, 'f32');
    const pairs = mul(there.reshape([batch, clips, 1]), there.reshape([batch, 1, clips]));
    const apart = mul(square(sub(cosines(features), cosines(captions))), pairs);
    const count = sum(there, { axes: 1 });
    const losses = div(sum(apart, { axes: [1, 2] }), maximum(square(count), 1));
    return meanWhere(losses, minimum(count, 1));
  });
}
