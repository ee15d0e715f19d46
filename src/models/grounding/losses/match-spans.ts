import { mul, sub } from '../../../ops/array/binary.js';
import { sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { softmax } from '../../../ops/array/softmax.js';
import { abs } from '../../../ops/array/unary.js';
import { type LinearAssignment, linearAssignment } from '../../../ops/assign/linear-assignment.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { generalizedIou } from './generalized-iou.js';

/** What a pair of a query and a moment counts, and how much: see `spanLosses` and `labelLoss`. */
export interface SpanWeights {
  /** Of |difference|, centre and width. */
  readonly l1: number;
  /** Of the generalised IoU. */
  readonly iou: number;
  /** Of the class. */
  readonly label: number;
}

export interface FoundSpans {
  /** (N, Q, 2): logits that a query's span is a moment, and that it is none. */
  readonly logits: Tensor;
  /** (N, Q, 2): centre and width. */
  readonly spans: Tensor;
}

export interface TrueSpans {
  /** f32 (N, M, 2): centre and width; M ≤ Q. */
  readonly spans: Tensor;
  /** u32 (N): how many of the M there are. */
  readonly counts: Tensor;
}

/**
 * Gives each moment a query of its own, so that l1 Σ |difference| − iou · GIoU − label · p(moment) is the least (DETR,
 * arXiv:2005.12872, section 3.1). No gradient goes through it.
 * @throws ShapeError where there are more moments than queries
 */
export function matchSpans(found: FoundSpans, wanted: TrueSpans, weights: SpanWeights): LinearAssignment {
  const { runtime } = found.spans;
  const [batch, queries] = found.spans.shape as [number, number, number];
  const moments = wanted.spans.shape[1]!;
  return runtime.withTape(undefined, () =>
    runtime.scope(() => {
      const rows = found.spans.reshape([batch, queries, 1, 2]);
      const columns = wanted.spans.reshape([batch, 1, moments, 2]);
      const distance = sum(abs(sub(rows, columns)), { axes: 3 });
      const likely = narrow(softmax(found.logits), 2, 0, 1);
      const cost = sub(
        sub(mul(distance, weights.l1), mul(generalizedIou(rows, columns), weights.iou)),
        mul(likely, weights.label),
      );
      return linearAssignment({ cost, counts: wanted.counts });
    }),
  );
}
