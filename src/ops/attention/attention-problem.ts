import { flag, number, optional, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { type AttentionMask, operationMaskRule } from './attention-mask.js';

/** What attention and its gradient share: operands, masks, and how the kernels take them. */

export interface AttentionOptions {
  /** Factor of the scores; default 1 / √D. */
  readonly scale?: number;
  readonly mask?: AttentionMask;
  /** Also give the logarithm of the sum of the exponentials of each query's scores, f32 (B, H, Lq). */
  readonly returnLogSumExp?: boolean;
}

export const attentionRules: Rules<AttentionOptions> = {
  scale: optional(number),
  mask: optional(operationMaskRule),
  returnLogSumExp: optional(flag),
};

export interface AttentionOperands {
  /** (B, H, Lq, D), f32 or f16; D up to 256. */
  readonly query: Tensor;
  /** (B, Hkv, Lk, D); H is a multiple of Hkv, and H / Hkv neighbouring heads share one of keys and values. */
  readonly key: Tensor;
  /** (B, Hkv, Lk, D). */
  readonly value: Tensor;
  /** (B or 1, H or 1, Lq or 1, Lk): added to the scaled scores. */
  readonly bias?: Tensor | undefined;
  /** u32 (B, Lk): keys where it is 0 are not attended. */
  readonly keyMask?: Tensor | undefined;
  /**
   * f32 or the type of `query`, (B, Lk), at least 0: probabilities p of the softmax become p w / Σ p w (Boosting-WTAL,
   * CVPR 2023). A key of weight 0 is not attended, so this replaces `keyMask`.
   */
  readonly keyWeight?: Tensor | undefined;
}

export interface AttentionProblem {
  readonly batches: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly headSize: number;
  readonly dtype: Dtype;
  readonly scale: number;
  /** Strides of the bias along batches, heads and queries; undefined without one. */
  readonly biasStrides: readonly [number, number, number] | undefined;
  readonly keyWeight: { readonly kind: 'none' | 'mask' | 'factor'; readonly dtype: Dtype };
  readonly mask: MaskConstants;
  readonly returnLogSumExp: boolean;
}

/** A mask as kernels/lib/attention.wgsl takes it. */
interface MaskConstants {
  readonly mode: number;
  readonly groupSize: number;
  readonly lastGroup: number;
  readonly queryOffset: number;
}

/** The operands of the operation: the tensor of a mask is one of them. */
export interface AttentionInputs extends AttentionOperands {
  /** u32 (B) for `prefix`, (B, Lk) for `turns`. */
  readonly groups?: Tensor | undefined;
}

const maxHeadSize = 256;

/** @throws ShapeError, DtypeError, OptionError */
export function attentionProblem(
  operands: AttentionInputs,
  { scale, mask = { kind: 'none' }, returnLogSumExp = false }: AttentionOptions,
): AttentionProblem {
  const { query, key, value, keyMask, keyWeight, groups } = operands;
  expectDtype(query, 'query', 'f32', 'f16');
  expectDtype(key, 'key', query.dtype);
  expectDtype(value, 'value', query.dtype);
  if (query.rank !== 4 || key.rank !== 4) {
    throw new ShapeError(`query ${query} must be (B, H, Lq, D) and key ${key} (B, Hkv, Lk, D)`);
  }
  const [batches, heads, queryLength, headSize] = query.shape as [number, number, number, number];
  const [, keyHeads, keyLength] = key.shape as [number, number, number, number];
  if (heads % keyHeads !== 0) {
    throw new ShapeError(`query ${query} has ${heads} heads, no multiple of those of key ${key}`);
  }
  if (headSize > maxHeadSize) {
    throw new ShapeError(`heads of ${query} are larger than ${maxHeadSize}: split them`);
  }
  expectShape(key, 'key', [batches, keyHeads, keyLength, headSize]);
  expectShape(value, 'value', key.shape);
  if (keyMask && keyWeight) {
    throw new OptionError('give keyMask or keyWeight, not both: a key of weight 0 is masked');
  }
  for (const [name, tensor] of Object.entries({ keyMask, keyWeight })) {
    if (tensor) expectShape(tensor, name, [batches, keyLength]);
  }
  if (keyMask) expectDtype(keyMask, 'keyMask', 'u32');
  if (keyWeight) expectDtype(keyWeight, 'keyWeight', 'f32', query.dtype);
  return {
    batches,
    heads,
    keyHeads,
    queryLength,
    keyLength,
    headSize,
    dtype: query.dtype,
    scale: scale ?? 1 / Math.sqrt(headSize),
    biasStrides: biasStrides(operands),
    keyWeight: {
      kind: keyMask ? 'mask' : keyWeight ? 'factor' : 'none',
      dtype: (keyMask ?? keyWeight)?.dtype ?? 'f32',
    },
    mask: maskConstants(mask, groups, batches, queryLength, keyLength),
    returnLogSumExp,
  };
}

/** What the kernels take of a problem, beside what a variant adds. */
export function sharedConstants({ dtype, biasStrides, keyWeight, mask }: AttentionProblem) {
  return {
    Element: dtype,
    HAS_BIAS: biasStrides !== undefined,
    KEY_WEIGHT: { none: 0, mask: 1, factor: 2 }[keyWeight.kind],
    KeyWeight: keyWeight.dtype,
    MASK: mask.mode,
  };
}

export function sharedParams(problem: AttentionProblem) {
  const { batches, heads, keyHeads, queryLength, keyLength, scale, mask } = problem;
  const [biasBatch, biasHead, biasRow] = problem.biasStrides ?? [0, 0, 0];
  return {
    batches,
    heads,
    key_heads: keyHeads,
    query_length: queryLength,
    key_length: keyLength,
    scale,
    bias_batch: biasBatch,
    bias_head: biasHead,
    bias_row: biasRow,
    group_size: mask.groupSize,
    last_group: mask.lastGroup,
    query_offset: mask.queryOffset,
  };
}

function biasStrides({ query, key, bias }: AttentionInputs): [number, number, number] | undefined {
  if (!bias) return undefined;
  expectDtype(bias, 'bias', query.dtype);
  const wanted = [...query.shape.slice(0, 3), key.shape[2]!];
  const fits = (size: number, axis: number) => size === wanted[axis] || (size === 1 && axis < 3);
  if (bias.rank !== 4 || !bias.shape.every(fits)) {
    throw new ShapeError(
      `bias ${bias} must be [${wanted}] for query ${query} and key ${key}; ` +
        'each of its first three axes may be 1',
    );
  }
  const [batches, heads, rows, columns] = bias.shape as [number, number, number, number];
  return [
    batches === 1 ? 0 : heads * rows * columns,
    heads === 1 ? 0 : rows * columns,
    rows === 1 ? 0 : columns,
  ];
}

function maskConstants(
  mask: AttentionMask,
  groups: Tensor | undefined,
  batches: number,
  queryLength: number,
  keyLength: number,
): MaskConstants {
  const queryOffset = mask.kind === 'none' ? 0 : (mask.queryOffset ?? 0);
  const byPosition = (groupSize: number, lastGroup: number) => ({
    mode: 1,
    groupSize,
    lastGroup,
    queryOffset,
  });
  const none = { mode: 0, groupSize: 1, lastGroup: 0, queryOffset };
  if (groups) expectDtype(groups, mask.kind === 'turns' ? 'turns' : 'prefixLength', 'u32');
  switch (mask.kind) {
    case 'none':
      return none;
    case 'causal':
      return byPosition(1, unlimited);
    case 'block':
      return byPosition(mask.blockSize, unlimited);
    case 'prefix':
      if (groups) {
        expectShape(groups, 'prefixLength', [batches]);
        return { ...none, mode: 2 };
      }
      return mask.prefixLength === 0 ? none : byPosition(mask.prefixLength as number, 1);
    case 'turns':
      if (!groups) throw new OptionError('mask turns: turns must be a tensor, not undefined');
      expectShape(groups, 'turns', [batches, keyLength]);
      if (queryOffset + queryLength > keyLength) {
        throw new ShapeError(
          `turns ${groups} do not reach to the last of ${queryLength} queries from ${queryOffset} on`,
        );
      }
      return { ...none, mode: 3 };
  }
}

const unlimited = 0xffff_ffff;

/** Pairs of a query and a key of all batches, less those that a mask by position excludes. */
export function attendedPairs({ batches, queryLength, keyLength, mask }: AttentionProblem): number {
  if (mask.mode !== 1) return batches * queryLength * keyLength;
  let pairs = 0;
  for (let i = 0; i < queryLength; i++) {
    const group = Math.floor((mask.queryOffset + i) / mask.groupSize);
    const end = group < mask.lastGroup ? (group + 1) * mask.groupSize : keyLength;
    pairs += Math.min(end, keyLength);
  }
  return batches * pairs;
}
