import { type Abortable, abortRules } from '../abort.js';
import {
  flag,
  integer,
  listOf,
  numberIn,
  oneOf,
  onlyFields,
  optional,
  type Rules,
  uint32,
} from '../arguments.js';
import { type ConfidenceKind, confidenceKinds } from '../ops/sampling/token-choice.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { type UnmaskingSchedule, unmaskingRule } from './unmasking.js';

/** The signal ends the capturing, not the decodings. */
export interface MaskedSamplerOptions extends Abortable {
  /** B: sequences decoded together. */
  readonly batch: number;
  /** L: positions of each, prompt and answer. */
  readonly length: number;
  /** Positions of the answer, at the end. */
  readonly answerLength: number;
  /** Id of the token that stands for "not decoded yet". */
  readonly maskId: number;
  /** Positions of a block, a divisor of the answer's; default the whole answer. */
  readonly blockLength?: number;
  /** Steps of the whole decoding, a multiple of the number of blocks; default one for each position. */
  readonly steps?: number;
  /** Default 0: the most probable token. */
  readonly temperature?: number;
  /** Which positions go first; default `probability`. */
  readonly confidence?: ConfidenceKind;
  /** s in unconditional + (s + 1) (conditional - unconditional); default 0, no guidance. */
  readonly guidanceScale?: number;
  /** Ids that may be chosen: see `tokenCandidates`. */
  readonly allowed?: Tensor;
  readonly allowedIndex?: Tensor;
  /**
   * The mask itself may be chosen, as in LLaDA's released code, which bans nothing: such a position stays masked, and
   * its place in the step is used up. For answers that are masked whole and the linear schedule. Default false.
   */
  readonly maskAllowed?: boolean;
  /** How many positions each step of a block commits; default linear. */
  readonly schedule?: UnmaskingSchedule;
  /** Commit also every position whose confidence is at least this, and stop when all are. */
  readonly threshold?: number;
  /**
   * Stop when every answer is full up to its first token of this id. From the step after the one that commits it, what is
   * masked after it stays so, and the step's commits go to what is before (LLaDA-V).
   */
  readonly stopId?: number;
  /** Positions that may be committed: see `commitTokens`. */
  readonly eligible?: Tensor;
  /** Ids that are not committed before step `from`: the planned order of MDVLM-TAL's time tokens. */
  readonly late?: { readonly ids: Tensor; readonly from: number };
  /** Pairs of positions that hold times only, the first of them an earlier one: see `spanCandidates`. */
  readonly spans?: {
    /** (B, S, 2), u32: positions of start and end in the answer; beyond it for an unused slot. */
    readonly positions: Tensor;
    /** Ids of the times, from the earliest on. */
    readonly firstId: number;
    readonly count: number;
  };
  /** Mask uncertain tokens again in each step: see `remaskTokens`. */
  readonly revision?: {
    /** For each step, the fraction of the tokens (`revisionFractions`). The last must be 0. */
    readonly fractions: readonly number[];
    readonly eligible?: Tensor;
    readonly always?: Tensor;
  };
  /** Keep how sure the model was of each token: `MaskedSampler.confidence`. Default false. */
  readonly keepConfidence?: boolean;
}

export const samplerRules: Rules<MaskedSamplerOptions> = {
  batch: integer(1),
  length: integer(1),
  answerLength: integer(1),
  maskId: uint32,
  blockLength: optional(integer(1)),
  steps: optional(integer(1)),
  temperature: optional(numberIn(0)),
  confidence: optional(oneOf(...confidenceKinds)),
  guidanceScale: optional(numberIn(0)),
  allowed: optional(anyTensor),
  allowedIndex: optional(anyTensor),
  maskAllowed: optional(flag),
  schedule: optional(unmaskingRule),
  threshold: optional(numberIn(0)),
  stopId: optional(uint32),
  eligible: optional(anyTensor),
  late: optional(onlyFields<NonNullable<MaskedSamplerOptions['late']>>({ ids: anyTensor, from: integer(0) })),
  spans: optional(
    onlyFields<NonNullable<MaskedSamplerOptions['spans']>>({
      positions: anyTensor,
      firstId: uint32,
      count: integer(2),
    }),
  ),
  revision: optional(
    onlyFields<NonNullable<MaskedSamplerOptions['revision']>>({
      fractions: listOf(numberIn(0, 1)),
      eligible: optional(anyTensor),
      always: optional(anyTensor),
    }),
  ),
  keepConfidence: optional(flag),
  ...abortRules,
};
