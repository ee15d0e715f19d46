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
} from '../arguments.js';
import type { AttentionMask } from '../ops/attention/attention-problem.js';
import { anyTensor } from '../tensor/tensor.js';

const queryOffset = optional(integer(0));

const maskRules: { readonly [Kind in AttentionMask['kind']]: Rule<object> } = {
  none: onlyFields({ kind: oneOf('none') }),
  causal: onlyFields({ kind: oneOf('causal'), queryOffset }),
  prefix: onlyFields({ kind: oneOf('prefix'), prefixLength: either(integer(0), anyTensor), queryOffset }),
  block: onlyFields({ kind: oneOf('block'), blockSize: integer(1), queryOffset }),
  turns: onlyFields({ kind: oneOf('turns'), turns: anyTensor, queryOffset }),
};

const maskKind = oneOf('none', 'causal', 'prefix', 'block', 'turns');

/** Which fields a mask has depends on its kind. */
function maskOf(value: unknown): Rule<object> {
  const kind = object.accepts(value) ? value.kind : undefined;
  return maskKind.accepts(kind) ? maskRules[kind] : objectWith({ kind: maskKind });
}

/** A mask by its kind, with the fields of that kind. */
export const attentionMaskRule: Rule<AttentionMask> = {
  ...rule<AttentionMask>('an object with the kind of a mask', (value) => maskOf(value).accepts(value)),
  fault: (name, value) => maskOf(value).fault?.(name, value),
};
