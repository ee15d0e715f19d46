import type { Runtime } from '../../tensor/runtime.js';
import { Tensor } from '../../tensor/tensor.js';
import { arange } from '../array/arange.js';
import { add, div, greaterEqual, lessEqual, maximum, mul } from '../array/binary.js';
import { cast } from '../array/cast.js';
import { sum } from '../array/reduce.js';
import { narrow } from '../array/slice.js';
import { softmax } from '../array/softmax.js';
import { scaleShift } from '../array/unary.js';
import { where } from '../array/where.js';
import { matmul } from '../matmul/matmul.js';
import { attentionOperation, emptyLogSumExp } from './attention.js';
import type { AttentionMask } from './attention-mask.js';
import type { AttentionOperands } from './attention-problem.js';

/** The operands of `attention` that decide the probabilities. */
export type ProbabilityOperands = Pick<AttentionOperands, 'query' | 'key' | 'bias' | 'keyMask' | 'keyWeight'>;

/**
 * The probabilities that `attention` never writes, p = softmax(query · keyᵀ / √D + bias) over the keys that the masks allow,
 * or p w / Σ p w with weights of the keys: f32 (B, H, Lq, Lk), zeros for a query that attends no key. They take B H Lq Lk
 * numbers, several times over while they are made. With gradients for all operands that are numbers.
 * @throws ShapeError, DtypeError, OptionError
 */
export function attentionProbabilities(
  { query, key, bias, keyMask, keyWeight }: ProbabilityOperands,
  mask: AttentionMask = { kind: 'none' },
): Tensor {
  const groups = mask.kind === 'turns' ? mask.turns : mask.kind === 'prefix' ? mask.prefixLength : undefined;
  const { batches, heads, keyHeads, queryLength, keyLength, headSize, scale } = attentionOperation.problem(
    {
      ...{ query, key, value: key, bias, keyMask, keyWeight },
      groups: groups instanceof Tensor ? groups : undefined,
    },
    { mask },
  );
  const { runtime } = query;
  return runtime.scope(() => {
    // Neighbouring heads that share keys are more rows of one product.
    const rows = query.reshape([batches, keyHeads, (heads / keyHeads) * queryLength, headSize]);
    const products = matmul({ a: rows, b: key }, { transposeB: true, outDtype: 'f32' });
    const scaled = scaleShift(products, scale, 0).reshape([batches, heads, queryLength, keyLength]);
    const scores = bias ? add(scaled, bias.dtype === 'f32' ? bias : cast(bias, 'f32')) : scaled;
    const attended = attendedKeys(runtime, { queryLength, keyLength, keyMask }, mask);
    const probabilities = attended
      ? where(attended, softmax(where(attended, scores, emptyLogSumExp)), 0)
      : softmax(scores);
    return keyWeight ? reweighted(probabilities, keyWeight) : probabilities;
  });
}

/** Probabilities times weights (B, Lk), divided by their sum; zeros where that is none. */
function reweighted(probabilities: Tensor, keyWeight: Tensor): Tensor {
  const [batches, keyLength] = keyWeight.shape as [number, number];
  const weights = keyWeight.dtype === 'f32' ? keyWeight : cast(keyWeight, 'f32');
  const products = mul(probabilities, weights.reshape([batches, 1, 1, keyLength]));
  const total = sum(products, { axes: -1, keepDims: true });
  return div(products, maximum(total, leastTotal));
}

/** Below every sum of products that are not all 0, and no subnormal number, which devices may take for 0. */
const leastTotal = 2 ** -126;

/** Whether a query attends a key, u32 of a shape that broadcasts to (B, H, Lq, Lk); undefined where all attend all. */
function attendedKeys(
  runtime: Runtime,
  sizes: { readonly queryLength: number; readonly keyLength: number; readonly keyMask?: Tensor | undefined },
  mask: AttentionMask,
): Tensor | undefined {
  const { queryLength, keyLength, keyMask } = sizes;
  const ofKeys = keyMask?.reshape([keyMask.shape[0]!, 1, 1, keyLength]);
  if (mask.kind === 'none') return ofKeys;
  const { queryOffset = 0 } = mask;
  const groupsFrom = (first: number, length: number) => groupsOf(runtime, mask, first, length);
  const byGroup = lessEqual(
    groupsFrom(0, keyLength).reshape([-1, 1, 1, keyLength]),
    groupsFrom(queryOffset, queryLength).reshape([-1, 1, queryLength, 1]),
  );
  return ofKeys ? mul(byGroup, ofKeys) : byGroup;
}

/** The groups of the positions from `first` on, u32 (1 or B, length). */
function groupsOf(
  runtime: Runtime,
  mask: Exclude<AttentionMask, { kind: 'none' }>,
  first: number,
  length: number,
): Tensor {
  if (mask.kind === 'turns') return narrow(mask.turns, 1, first, length);
  const positions = arange(runtime, { start: first, end: first + length, dtype: 'u32' }).reshape([1, length]);
  if (mask.kind === 'causal') return positions;
  if (mask.kind === 'block') return div(positions, mask.blockSize);
  const { prefixLength } = mask;
  return greaterEqual(
    positions,
    typeof prefixLength === 'number' ? prefixLength : prefixLength.reshape([-1, 1]),
  );
}
