import { flag, integer, numberIn, objectBy, oneOf, onlyFields } from '../../../arguments.js';
import { stopGradient } from '../../../autograd/value-and-grad.js';
import { add, greater, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { concat } from '../../../ops/array/concat.js';
import { pad } from '../../../ops/array/pad.js';
import { max, sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { softmax } from '../../../ops/array/softmax.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { BaseOutputs } from '../base.js';
import { labelMask } from '../losses/label-mask.js';
import { topMask } from '../losses/top-mask.js';
import { snippetCount } from '../losses/top-snippets.js';
import { clusteredMask } from './clustered-mask.js';

/** The pseudo-labels of the diffusion: which snippets show which class. */
export type MaskConfig =
  /** The ⌊T / ratio⌋ snippets of each class with the highest attention · probability; `median` removes single snippets. */
  | { readonly kind: 'top-k'; readonly ratio: number; readonly median: boolean }
  /** The clusters of the sibling in each of some intervals of the video. */
  | { readonly kind: 'clustered'; readonly intervals: number };

export const maskRule = objectBy<'kind', MaskConfig>('kind', {
  'top-k': onlyFields({ kind: oneOf('top-k'), ratio: numberIn(1), median: flag }),
  clustered: onlyFields({ kind: oneOf('clustered'), intervals: integer(1) }),
});

/** 1 for the snippets that show a class, else 0, for every class whether the video has it or not: (B, T, K), without gradient. */
export function classMask(outputs: BaseOutputs, config: MaskConfig): Tensor {
  return outputs.cas.runtime.scope(() => {
    const known = withoutGradient(outputs);
    if (config.kind === 'clustered') return clusteredMask(known, config.intervals);
    const { cas, attention } = known;
    const scores = mul(softmax(cas), attention.reshape([...attention.shape, 1]));
    return selected(scores, config);
  });
}

/** 1 for the snippets that show any class of the video, else 0: (B, T), without gradient. @param labels (B, K − 1) */
export function actionMask(outputs: BaseOutputs, labels: Tensor, config: MaskConfig): Tensor {
  return outputs.cas.runtime.scope(() => {
    const known = withoutGradient(outputs);
    const [batch, classes] = labels.shape as [number, number];
    const { cas, attention } = known;
    if (config.kind === 'clustered') return labelMask(clusteredMask(known, config.intervals), labels);
    const ofVideo = mul(narrow(softmax(cas), 2, 0, classes), labels.reshape([batch, 1, classes]));
    const scores = mul(sum(ofVideo, { axes: 2 }), attention);
    return selected(scores.reshape([...scores.shape, 1]), config).reshape(scores.shape);
  });
}

/** Masks of classes (B, C, T), and one of what shows none of them as the last channel: (B, C + 1, T). */
export function withBackground(mask: Tensor): Tensor {
  return mask.runtime.scope(() => concat([mask, sub(1, max(mask, { axes: 1, keepDims: true }))], 1));
}

function selected(scores: Tensor, { ratio, median }: MaskConfig & { kind: 'top-k' }): Tensor {
  const mask = topMask(scores, snippetCount(scores.shape[1]!, ratio));
  return median ? medianOfThree(mask) : mask;
}

/** The median of each snippet and its neighbours, beyond the ends 0: of 0 and 1, what two of three are. (B, T, K). */
function medianOfThree(mask: Tensor): Tensor {
  const steps = mask.shape[1]!;
  const padded = pad(mask, { before: [0, 1, 0], after: [0, 1, 0] });
  const neighbours = add(narrow(padded, 1, 0, steps), narrow(padded, 1, 2, steps));
  return cast(greater(add(mask, neighbours), 1.5), 'f32');
}

function withoutGradient(outputs: BaseOutputs): BaseOutputs {
  return {
    ...outputs,
    cas: stopGradient(outputs.cas),
    attention: stopGradient(outputs.attention),
    modalAttentions: outputs.modalAttentions.map(stopGradient),
    actionness: outputs.actionness.map(stopGradient),
  };
}
