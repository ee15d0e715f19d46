import { arange } from '../../../ops/array/arange.js';
import { add, equal, mul, notEqual, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { scaleShift, softplus } from '../../../ops/array/unary.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { meanWhere } from './mean-where.js';

export interface AlignmentOperands {
  /** (B, d): moments. */
  readonly moment: Tensor;
  /** (B, d): what is no moment in each video. */
  readonly rest: Tensor;
  /** (B, d): sentences. */
  readonly sentence: Tensor;
  /** (B, d): dummies of the sentences. */
  readonly dummySentence: Tensor;
}

/**
 * CG-DETR's alignment of moments and sentences: the cross-entropy of each moment's cosines with all sentences, and of the
 * rests' cosines with them, the 2 B of them together without a temperature; its own sentence is the right one. The same with
 * the dummies, of which all are right but its own (ours: their mean; the released code takes whichever comes first in the batch). One element.
 */
export function momentAlignment({ moment, rest, sentence, dummySentence }: AlignmentOperands): Tensor {
  const { runtime } = moment;
  const batch = moment.shape[0]!;
  return runtime.scope(() => {
    const [moments, rests] = [l2Normalize(moment), l2Normalize(rest)];
    const likely = (of: Tensor) => {
      const directions = l2Normalize(of);
      const cosines = [moments, rests].map((a) => matmul({ a, b: directions }, { transposeB: true }));
      return logSoftmax(concat(cosines, 1));
    };
    const index = arange(runtime, { end: batch });
    const pairs = [index.reshape([batch, 1]), index] as const;
    const own = concat([equal(...pairs), fill(runtime, [batch, batch], 0)], 1);
    const others = concat([notEqual(...pairs), fill(runtime, [batch, batch], 1)], 1);
    const loss = (logs: Tensor, right: Tensor, count: number) =>
      scaleShift(mean(sum(mul(logs, right), { axes: 1 })), -1 / count, 0);
    return add(loss(likely(sentence), own, 1), loss(likely(dummySentence), others, 2 * batch - 1));
  });
}

/**
 * Binary cross-entropy of whether clips belong to the moments, by their products with the moments' vector (CG-DETR): the mean over the clips there
 * are (ours: the released code divides by padding too), one element.
 * @param moment (B, d)
 * @param clips (B, T, d)
 * @param moments u32 (B, T): 1 for clips of moments
 * @param videoMask u32 (B, T)
 */
export function momentMembers(moment: Tensor, clips: Tensor, moments: Tensor, videoMask: Tensor): Tensor {
  const [batch, , width] = clips.shape as [number, number, number];
  return moment.runtime.scope(() => {
    const products = matmul({ a: moment.reshape([batch, 1, width]), b: clips }, { transposeB: true });
    const logits = products.reshape(moments.shape);
    const losses = sub(softplus(logits), mul(cast(moments, 'f32'), logits));
    return meanWhere(losses, cast(videoMask, 'f32'));
  });
}
