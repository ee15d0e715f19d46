import {
  either,
  integer,
  object,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  rule,
} from '../../arguments.js';
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

const maskKind = oneOf('none', 'causal', 'prefix', 'block', 'turns');

/** Positions are counted in 31 bits. */
const position = integer(0, 0x7fff_ffff);
const queryOffset = optional(position);

function maskRule(turns: Rule): Rule<AttentionMask> {
  const rules: { readonly [Kind in AttentionMask['kind']]: Rule<object> } = {
    none: onlyFields({ kind: maskKind }),
    causal: onlyFields({ kind: maskKind, queryOffset }),
    prefix: onlyFields({ kind: maskKind, prefixLength: either(position, anyTensor), queryOffset }),
    block: onlyFields({ kind: maskKind, blockSize: integer(1, 0x7fff_ffff), queryOffset }),
    turns: onlyFields({ kind: maskKind, turns, queryOffset }),
  };
  const ruleOf = (value: unknown): Rule<object> => {
    const kind = object.accepts(value) ? value.kind : undefined;
    return maskKind.accepts(kind) ? rules[kind] : objectWith({ kind: maskKind });
  };
  return {
    ...rule<AttentionMask>('an object with the kind of a mask', (value) => ruleOf(value).accepts(value)),
    fault: (name, value) => ruleOf(value).fault?.(name, value),
  };
}

/** A mask by its kind, with the fields of that kind. */
export const attentionMaskRule = maskRule(anyTensor);

/** The same for the operation, which takes the tensor of turns as an operand. */
export const operationMaskRule = maskRule(optional(anyTensor));
