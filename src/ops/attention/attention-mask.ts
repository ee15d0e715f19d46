import { either, integer, objectBy, oneOf, onlyFields, optional, type Rule } from '../../arguments.js';
import { anyTensor, type Tensor } from '../../tensor/tensor.js';

/**
 * Which keys a query may attend. Every mask is one rule: positions have groups, and a query attends the keys of its
 * own group and of the groups before it. Key j is at position j, query i at `queryOffset` + i (default 0).
 */
export type AttentionMask =
  /** All keys. */
  | { readonly kind: 'none' }
  /** Keys up to the query's own position. */
  | { readonly kind: 'causal'; readonly queryOffset?: number }
  /** The prefix attends itself, the rest attends everything. A length for all batches, or u32 (B). */
  | { readonly kind: 'prefix'; readonly prefixLength: number | Tensor; readonly queryOffset?: number }
  /** Keys up to the end of the query's block of `blockSize` positions. */
  | { readonly kind: 'block'; readonly blockSize: number; readonly queryOffset?: number }
  /** Keys of the query's turn of a conversation and of the turns before it: u32 (B, Lk), the turn of a position. */
  | { readonly kind: 'turns'; readonly turns: Tensor; readonly queryOffset?: number };

type Mask<Kind> = Extract<AttentionMask, { readonly kind: Kind }>;

/** Positions are counted in 31 bits. */
const position = integer(0, 0x7fff_ffff);
const queryOffset = optional(position);

function maskRule(turns: Rule<Tensor>): Rule<AttentionMask> {
  return objectBy<'kind', AttentionMask>('kind', {
    none: onlyFields<Mask<'none'>>({ kind: oneOf('none') }),
    causal: onlyFields<Mask<'causal'>>({ kind: oneOf('causal'), queryOffset }),
    prefix: onlyFields<Mask<'prefix'>>({
      kind: oneOf('prefix'),
      prefixLength: either(position, anyTensor),
      queryOffset,
    }),
    block: onlyFields<Mask<'block'>>({
      kind: oneOf('block'),
      blockSize: integer(1, 0x7fff_ffff),
      queryOffset,
    }),
    turns: onlyFields<Mask<'turns'>>({ kind: oneOf('turns'), turns, queryOffset }),
  });
}

/** A mask by its kind, with the fields of that kind. */
export const attentionMaskRule = maskRule(anyTensor);

/** The same for the operation, which takes the tensor of turns as an operand. */
export const operationMaskRule = maskRule(optional(anyTensor) as Rule<Tensor>);
