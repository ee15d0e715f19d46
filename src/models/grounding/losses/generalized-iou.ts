import { add, div, maximum, minimum, sub } from '../../../ops/array/binary.js';
import { narrow } from '../../../ops/array/slice.js';
import { relu, scaleShift } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';

/** Below every length that can be told from none. */
const leastLength = 1e-12;

/**
 * Generalised IoU (Rezatofighi et al., arXiv:1902.09630) of spans, IoU − (hull − union) / hull, from −1 to 1.
 * @param a (…, 2), centre and width
 * @param b the same; both broadcast
 * @returns (…)
 */
export function generalizedIou(a: Tensor, b: Tensor): Tensor {
  return a.runtime.scope(() => {
    const [first, second] = [endsOf(a), endsOf(b)];
    const apart = sub(minimum(first.end, second.end), maximum(first.start, second.start));
    const overlap = relu(apart);
    const union = sub(add(first.width, second.width), overlap);
    const hull = sub(maximum(first.end, second.end), minimum(first.start, second.start));
    const share = (part: Tensor, whole: Tensor) => div(part, maximum(whole, leastLength));
    const iou = sub(share(overlap, union), share(sub(hull, union), hull));
    return iou.reshape(iou.shape.slice(0, -1));
  });
}

function endsOf(spans: Tensor): { start: Tensor; end: Tensor; width: Tensor } {
  const at = (column: number) => narrow(spans, spans.rank - 1, column, 1);
  const [centre, width] = [at(0), at(1)];
  const half = scaleShift(width, 0.5, 0);
  return { start: sub(centre, half), end: add(centre, half), width };
}
