import { div, greater, maximum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { sum } from '../../../ops/array/reduce.js';
import { matmul } from '../../../ops/matmul/matmul.js';
import { l2Normalize } from '../../../ops/norm/l2-normalize.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { meanWhere } from './mean-where.js';

/** Events of videos that are described by texts. */
export interface DescribedEvents {
  /** f32 (B, N, P): embeddings of the texts. */
  readonly events: Tensor;
  /** u32 (B, N, T): 1 for the clips of an event; an event without clips is none. */
  readonly eventClips: Tensor;
}

/**
 * MASRA's event semantic temporal alignment (ESTA, equations 3 and 4): 1 − cos(u, o) for each event, u being the mean of its clips'
 * temporal context in the space of the embeddings and o the embedding of its text; the mean over the events there are, one element.
 * @param described (B, T, P): W H
 */
export function semanticAlignment(described: Tensor, { events, eventClips }: DescribedEvents): Tensor {
  return described.runtime.scope(() => {
    const members = cast(eventClips, 'f32');
    const counts = sum(members, { axes: 2, keepDims: true });
    const pooled = matmul({ a: div(members, maximum(counts, 1)), b: described });
    const similarity = sum(mul(l2Normalize(pooled), l2Normalize(events)), { axes: 2 });
    const there = cast(greater(counts, 0), 'f32').reshape(similarity.shape);
    return meanWhere(sub(1, similarity), there);
  });
}
