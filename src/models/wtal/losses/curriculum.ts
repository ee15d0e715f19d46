import { stopGradient } from '../../../autograd/value-and-grad.js';
import { arange } from '../../../ops/array/arange.js';
import { mul } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { fill } from '../../../ops/array/fill.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { scatter } from '../../../ops/array/scatter.js';
import { topK } from '../../../ops/array/topk.js';
import { scaleShift, tanh } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { dirichlet } from './evidence.js';
import { guideErrors } from './guide.js';

export interface CurriculumOperands {
  /** (B, T, K) */
  readonly cas: Tensor;
  /** (B, T, K), the suppressed CAS. */
  readonly suppressed: Tensor;
  /** Each (B, T). */
  readonly attentions: readonly Tensor[];
  /** (1): the share of the training that is done, 0 to 1. */
  readonly progress: Tensor;
}

/**
 * DELU's curriculum over snippets (ECCV 2022, section 3.4): the errors of the guide loss, weighted by
 * 1 + amplitude · tanh(θ δ), where θ, −1 to 1, is the rank of a snippet by its uncertainty K / S (the least uncertain at −1), and
 * δ = 1 − 2 · progress turns the order around in the course of training.
 *
 * The released code takes the weight of the snippet whose number is the place in the sorted order; here the weight goes
 * to the snippet that has the rank, as the paper says.
 * @returns the mean over snippets and videos, one element
 */
export function curriculum(operands: CurriculumOperands, amplitude: number): Tensor {
  const { cas, suppressed, attentions, progress } = operands;
  return cas.runtime.scope(() => {
    const weights = snippetWeights(stopGradient(suppressed), progress, amplitude);
    return mean(mul(weights, guideErrors(cas, attentions)));
  });
}

/** (B, T) weights of snippets with a CAS (B, T, K). */
function snippetWeights(cas: Tensor, progress: Tensor, amplitude: number): Tensor {
  const { runtime } = cas;
  return runtime.scope(() => {
    const [batch, steps] = cas.shape as [number, number, number];
    // Falling strength of the evidence is rising uncertainty.
    const { indices } = topK(sum(dirichlet(cas), { axes: 2 }), steps);
    const ranks = scaleShift(arange(runtime, { end: steps }), 2 / steps, 1 / steps - 1);
    const curve = scaleShift(tanh(mul(ranks, scaleShift(progress, -2, 1))), amplitude, 1);
    const updates = broadcastTo(curve, [batch, steps]);
    return scatter({ x: fill(runtime, [batch, steps], 0), ids: indices, updates }, { axis: 1 });
  });
}
