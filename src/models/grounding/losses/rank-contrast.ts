import { arange } from '../../../ops/array/arange.js';
import { add, div, greaterEqual, maximum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { concat } from '../../../ops/array/concat.js';
import { sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { meanWhere } from './mean-where.js';

export interface RankedClips {
  /** (B, T): saliency. */
  readonly scores: Tensor;
  /** (B, T): saliency of the same clips with another text. */
  readonly negatives: Tensor;
  /** f32 (B, T): ranks from 0 to 12, the higher the more salient. */
  readonly levels: Tensor;
  /** u32 (B, T). */
  readonly videoMask: Tensor;
  /** f32 (B): 1 where the negatives count, because the other text is about another video, else 0. */
  readonly otherVideo: Tensor;
}

/** τ. */
const temperature = 0.5;
/** Ranks that a clip may reach, from 1 on, and what their sum is divided by. */
const [ranks, divisor] = [11, 12];
const lowest = -1e9;

/**
 * QD-DETR's rank contrast (Moon et al., arXiv:2303.13874, section 3.3): for every rank, the clips that reach it are to stand out among all clips
 * of the video and those clips with another text: −log softmax(s / τ), the mean over them, summed over the ranks 1 to 11 and divided by 12. The mean
 * over the elements whose negatives count, and the mean over the others, are added. One element.
 */
export function rankContrast({ scores, negatives, levels, videoMask, otherVideo }: RankedClips): Tensor {
  const { runtime } = scores;
  const [batch, clips] = scores.shape as [number, number];
  return runtime.scope(() => {
    const present = cast(videoMask, 'f32');
    const counted = concat([present, mul(present, otherVideo.reshape([batch, 1]))], 1);
    const logits = scaleShift(concat([scores, negatives], 1), 1 / temperature, 0);
    const likely = narrow(logSoftmax(where(counted, logits, lowest)), 1, 0, clips);
    // (B, ranks, T): 1 where a clip reaches a rank.
    const rank = arange(runtime, { start: 1, end: ranks + 1 }).reshape([1, ranks, 1]);
    const reached = mul(
      cast(greaterEqual(levels.reshape([batch, 1, clips]), rank), 'f32'),
      present.reshape([batch, 1, clips]),
    );
    const shares = div(reached, maximum(sum(reached, { axes: 2, keepDims: true }), 1));
    const losses = scaleShift(sum(mul(sum(shares, { axes: 1 }), likely), { axes: 1 }), -1 / divisor, 0);
    return add(meanWhere(losses, otherVideo), meanWhere(losses, sub(1, otherVideo)));
  });
}
