import { checkArgument, numberIn, onlyFields, optional, type Rule } from '../../../arguments.js';
import { ShapeError } from '../../../errors.js';
import { alignmentLogLikelihood } from '../../../ops/align/alignment.js';
import { arange } from '../../../ops/array/arange.js';
import { maximum, mul, sub } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { cast } from '../../../ops/array/cast.js';
import { gather } from '../../../ops/array/gather.js';
import { mean } from '../../../ops/array/reduce.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { relu, scaleShift, square } from '../../../ops/array/unary.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';

export interface CaptionOrderConfig {
  /** Factor of the loss. */
  readonly weight: number;
  /** The share of the training after which the flat start is over; default .5. */
  readonly until?: number;
}

export const captionOrderRule: Rule<CaptionOrderConfig> = onlyFields<CaptionOrderConfig>({
  weight: numberIn(0),
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
 * It begins flat, as speech recognition does: the n places of an order get equal shares of the video. A path pays 2 d² for a
 * snippet that is d such shares away from the middle of its place, less and less until it is free. Without it, classes that
 * always occur together are swapped from seed to seed.
 * @param cas (B, T, K) logits, the background as the last class
 * @returns the mean over the videos, one element; a video without an order counts 0
 * @throws ShapeError, OptionError
 */
export function captionOrderLoss(
  cas: Tensor,
  operands: CaptionOrderOperands,
  { until = 0.5 }: Pick<CaptionOrderConfig, 'until'> = {},
): Tensor {
  const [batch, steps] = checkOperands(cas, operands);
  const { order, counts } = operands;
  return cas.runtime.scope(() => {
    const states = order.shape[1]!;
    const ids = broadcastTo(order.reshape([batch, 1, states]), [batch, steps, states]);
    const probabilities = gather({ x: logSoftmax(cas), ids }, { axis: 2 });
    const scores = sub(probabilities, flatStart(operands, steps, until));
    return scaleShift(mean(alignmentLogLikelihood({ scores, counts })), -1 / steps, 0);
  });
}

/** What a snippet pays for its distance from the middle of a place of the order, (B, T, N). */
function flatStart({ order, counts, progress }: CaptionOrderOperands, steps: number, until: number): Tensor {
  const { runtime } = order;
  const [batch, states] = order.shape as [number, number];
  const numbers = (end: number) => cast(arange(runtime, { end, dtype: 'u32' }), 'f32');
  const shares = maximum(cast(counts, 'f32'), 1).reshape([batch, 1, 1]);
  const snippets = mul(scaleShift(numbers(steps), 1 / steps, 0.5 / steps).reshape([1, steps, 1]), shares);
  const middles = scaleShift(numbers(states), 1, 0.5).reshape([1, 1, states]);
  const left = relu(scaleShift(progress, -2 / until, 2)).reshape([1, 1, 1]);
  return mul(square(sub(snippets, middles)), left);
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
