import { add, maximum, minimum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { log, scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { meanWhere } from './mean-where.js';

/** Below it a probability counts as this: its logarithm is finite. */
const leastProbability = 1e-7;

/** −log(1 − p) of probabilities. */
export function unlikelihood(p: Tensor): Tensor {
  return p.runtime.scope(() => scaleShift(log(maximum(sub(1, p), leastProbability)), -1, 0));
}

/**
 * Binary cross-entropy of the probability that clips give the words, with whether they are salient at all (CG-DETR): the mean
 * over the clips there are (ours: the released code counts padding too), one element.
 * @param mass (B, T), from 0 to 1
 * @param levels (B, T): ranks, above 0 for salient clips
 * @param videoMask u32 (B, T)
 */
export function textMassEntropy(mass: Tensor, levels: Tensor, videoMask: Tensor): Tensor {
  return mass.runtime.scope(() => {
    const salient = minimum(levels, 1);
    const missed = scaleShift(log(maximum(mass, leastProbability)), -1, 0);
    const losses = add(mul(salient, missed), mul(sub(1, salient), unlikelihood(mass)));
    return meanWhere(losses, cast(videoMask, 'f32'));
  });
}
