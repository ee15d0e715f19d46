import { arange } from '../../../ops/array/arange.js';
import { add, div, equal, greater, greaterEqual, maximum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { concat } from '../../../ops/array/concat.js';
import { cumsum } from '../../../ops/array/cumsum.js';
import { fill } from '../../../ops/array/fill.js';
import { gather } from '../../../ops/array/gather.js';
import { transpose } from '../../../ops/array/permute.js';
import { sum } from '../../../ops/array/reduce.js';
import { scatter } from '../../../ops/array/scatter.js';
import { narrow } from '../../../ops/array/slice.js';
import { topK } from '../../../ops/array/topk.js';
import { reciprocal } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { BaseOutputs } from '../base.js';
import { segmentScores } from '../segment-scores.js';

/**
 * The masks of ActionDiff's sibling: in each of some intervals of equal length (the last has the rest) and for each class,
 * the snippets are clustered by their segment scores into shown and not shown, and of those shown the best are kept.
 * (B, T, K). A video with no more snippets than intervals is one interval.
 */
export function clusteredMask(outputs: BaseOutputs, intervals: number): Tensor {
  const { cas } = outputs;
  return cas.runtime.scope(() => {
    const scores = transpose(segmentScores(outputs), 1, 2);
    const logits = transpose(cas, 1, 2);
    const steps = cas.shape[1]!;
    const parts = steps > intervals ? intervals : 1;
    const length = Math.floor(steps / parts);
    const masks = Array.from({ length: parts }, (_, i) => {
      const size = i + 1 < parts ? length : steps - i * length;
      const part = (x: Tensor) => narrow(x, 2, i * length, size);
      return clusteredInterval(part(scores), part(logits));
    });
    return transpose(masks.length === 1 ? masks[0]! : concat(masks, 2), 1, 2);
  });
}

/**
 * Scores and logits (B, K, T) of an interval to its mask.
 *
 * The sibling goes through the scores from the highest to the lowest and gives each to the cluster whose mean so far is nearer;
 * the clusters begin as the highest and the lowest. Once a score goes to the low cluster all that follow do: they are farther
 * from the high mean, which does not change any more, and no farther from the low one than that score was from the lowest. So the
 * high cluster is a run of the sorted scores, and ends before the first whose distance from the mean of all above is greater
 * than that from the lowest.
 */
function clusteredInterval(scores: Tensor, logits: Tensor): Tensor {
  const { runtime } = scores;
  const steps = scores.shape[2]!;
  return runtime.scope(() => {
    const { values, indices } = topK(scores, steps);
    const ranks = arange(runtime, { end: steps });
    const lowest = narrow(values, 2, steps - 1, 1);
    const above = div(sub(cumsum(values), values), maximum(ranks, 1));
    const far = cast(greater(sub(above, values), sub(values, lowest)), 'f32');
    // The highest always belongs to the run, the lowest never where there is another.
    const ends = maximum(mul(far, cast(greater(ranks, 0), 'f32')), endsOf(ranks, steps));
    const high = cast(equal(cumsum(ends), 0), 'f32');
    const kept = mul(high, bestOf(values, gather({ x: logits, ids: indices }, { axis: 2 }), high, ranks));
    return scatter({ x: fill(runtime, scores.shape, 0), ids: indices, updates: kept }, { axis: 2 });
  });
}

/** 1 at the last rank where there is more than one. */
function endsOf(ranks: Tensor, steps: number): Tensor {
  return cast(greater(ranks, steps > 1 ? steps - 1.5 : steps), 'f32');
}

/**
 * Which of the sorted snippets are among the n best, n the number of snippets whose logit is at least the mean of the high
 * cluster's, weighted by 1 / (2 + rank), its weights adding up to at least 1; at least one snippet.
 */
function bestOf(values: Tensor, logits: Tensor, high: Tensor, ranks: Tensor): Tensor {
  const byRank = mul(high, reciprocal(add(ranks, 2)));
  const over = (x: Tensor) => sum(x, { axes: 2, keepDims: true });
  const average = div(over(mul(logits, byRank)), maximum(over(byRank), 1));
  const count = over(cast(greaterEqual(logits, average), 'f32'));
  const last = cast(maximum(sub(count, 1), 0), 'u32');
  return cast(greaterEqual(values, gather({ x: values, ids: last }, { axis: 2 })), 'f32');
}
