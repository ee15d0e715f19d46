import { checkArgument, numberIn, onlyFields, optional, type Rule } from '../../../arguments.js';
import { ShapeError } from '../../../errors.js';
import { alignmentLogLikelihood } from '../../../ops/align/alignment.js';
import { div, minimum, mul } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { gather } from '../../../ops/array/gather.js';
import { mean } from '../../../ops/array/reduce.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';

export interface CaptionOrderConfig {
  /** Factor of the loss. */
  readonly weight: number;
  /** How sharp the probabilities of the CAS are at the beginning, of 1: the lower, the more even the shares of the classes. Default .05. */
  readonly sharpness?: number;
  /** The share of the training after which they count as they are; default .5. */
  readonly until?: number;
}

export const captionOrderRule: Rule<CaptionOrderConfig> = onlyFields<CaptionOrderConfig>({
  weight: numberIn(0),
  sharpness: optional(numberIn(0.001, 1)),
  until: optional(numberIn(0.001, 1)),
});

/** In which order the captions of a batch tell the classes. */
export interface CaptionOrderOperands {
  /** u32 (B, N): numbers of the classes; a class may come again. */
  readonly order: Tensor;
  /** u32 (B): how many of them there are; 0 where nothing is known of an order. */
  readonly counts: Tensor;
  /** f32 (1): the share of the training that is done. */
  readonly progress: Tensor;
}

/**
 * How badly a class activation sequence fits the order in which captions tell the classes (ours): the negative log-likelihood,
 * per snippet, that the snippets show these classes one after the other, each for one snippet at least, over all ways to
 * divide the video among them. Complete semantics tell what comes before what; the attention of the reconstruction alone
 * cannot use it. As in extended CTC (Huang et al., ECCV 2016), without its similarity of frames.
 *
 * At the beginning of the training the probabilities are flattened to p^τ, and τ rises to 1 (deterministic annealing, Ueda and
 * Nakano, Neural Networks 11, 1998): first every class gets its share by its place in the order alone, so that classes that
 * always occur together begin with the right ones.
 * @param cas (B, T, K) logits, the background as the last class
 * @returns the mean over the videos, one element; a video without an order counts 0
 * @throws ShapeError, OptionError
 */
export function captionOrderLoss(
  cas: Tensor,
  operands: CaptionOrderOperands,
  { sharpness = 0.05, until = 0.5 }: Omit<CaptionOrderConfig, 'weight'> = {},
): Tensor {
  const [batch, steps] = checkOperands(cas, operands);
  const { order, counts, progress } = operands;
  return cas.runtime.scope(() => {
    const states = order.shape[1]!;
    const ids = broadcastTo(order.reshape([batch, 1, states]), [batch, steps, states]);
    const tau = minimum(scaleShift(progress, (1 - sharpness) / until, sharpness), 1);
    const scores = mul(gather({ x: logSoftmax(cas), ids }, { axis: 2 }), tau.reshape([1, 1, 1]));
    return div(scaleShift(mean(alignmentLogLikelihood({ scores, counts })), -1 / steps, 0), tau.reshape([]));
  });
}

/** @throws ShapeError, OptionError */
function checkOperands(cas: Tensor, operands: CaptionOrderOperands): [batch: number, steps: number] {
  for (const [name, x] of Object.entries({ cas, ...operands })) {
    checkArgument('captionOrderLoss', name, x, anyTensor);
  }
  const [batch, steps] = cas.shape;
  if (cas.rank !== 3 || batch === undefined || steps === undefined)
    throw new ShapeError(`captionOrderLoss: cas must be (B, T, K), not ${cas}`);
  const { order, counts, progress } = operands;
  if (order.rank !== 2 || order.shape[0] !== batch || order.dtype !== 'u32')
    throw new ShapeError(`captionOrderLoss: order must be u32 (${batch}, N), not ${order}`);
  if (String(counts.shape) !== String([batch]) || counts.dtype !== 'u32')
    throw new ShapeError(`captionOrderLoss: counts must be u32 (${batch}), not ${counts}`);
  if (progress.size !== 1)
    throw new ShapeError(`captionOrderLoss: progress must be f32 (1), not ${progress}`);
  return [batch, steps];
}
