import { minimum, mul } from '../../../ops/array/binary.js';
import { sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** Of masks (B, T, K) of classes and labels (B, K − 1): 1 for the snippets of any class that the video has, (B, T). */
export function labelMask(mask: Tensor, labels: Tensor): Tensor {
  return mask.runtime.scope(() => {
    const [batch, classes] = labels.shape as [number, number];
    const ofVideo = mul(narrow(mask, 2, 0, classes), labels.reshape([batch, 1, classes]));
    return minimum(sum(ofVideo, { axes: 2 }), 1);
  });
}
