import { arange } from '../../../ops/array/arange.js';
import { div, less, maximum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { gather } from '../../../ops/array/gather.js';
import { mean, sum } from '../../../ops/array/reduce.js';
import { abs } from '../../../ops/array/unary.js';
import type { LinearAssignment } from '../../../ops/assign/linear-assignment.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { generalizedIou } from './generalized-iou.js';
import type { FoundSpans, TrueSpans } from './match-spans.js';

/**
 * How far the matched spans are from their moments: the mean |difference| of centres and widths, and the mean of
 * 1 − generalised IoU, each one element, 0 where there is no moment.
 */
export function spanLosses(
  found: Pick<FoundSpans, 'spans'>,
  wanted: TrueSpans,
  { rows }: Pick<LinearAssignment, 'rows'>,
): { l1: Tensor; iou: Tensor } {
  const { runtime } = found.spans;
  const [batch, moments] = rows.shape as [number, number];
  return runtime.scope(() => {
    const matched = gather({ x: found.spans, ids: rows.reshape([batch, moments, 1]) }, { axis: 1 });
    const places = arange(runtime, { end: moments, dtype: 'u32' });
    const counted = cast(less(places, wanted.counts.reshape([batch, 1])), 'f32');
    const average = (losses: Tensor) => div(sum(mul(losses, counted)), maximum(sum(counted), 1));
    return {
      l1: average(mean(abs(sub(matched, wanted.spans)), { axes: 2 })),
      iou: average(sub(1, generalizedIou(matched, wanted.spans))),
    };
  });
}
