import {
  flag,
  integer,
  numberIn,
  objectBy,
  oneOf,
  onlyFields,
  positive,
  type Rules,
  someOf,
  uint32,
} from '../../../arguments.js';
import { decoderRule, diffActDecoder, familyDecoder, type MaskDecoderConfig } from './decoder-config.js';
import { type MaskConfig, maskRule } from './masks.js';

/**
 * What the decoder sees of the base's sequence X (the CAS, or the features): all of it, X ⊙ attention, X ⊙ mask, or nothing.
 */
export type ConditionKind = 'full' | 'action' | 'action-topk' | 'zero';

export interface SamplingConfig {
  /** Steps of DDIM, from 1 on. */
  readonly steps: number;
  /** η: the noise that each step adds, 0 to 1. */
  readonly eta: number;
  /** Of the noise: the same seed gives the same result. */
  readonly seed: number;
}

/** What both modes have. */
export interface ActionDiffCommon {
  readonly decoder: MaskDecoderConfig;
  readonly mask: MaskConfig;
  /** Training takes one of them at random in each step; one that stands twice is twice as likely. */
  readonly conditions: readonly ConditionKind[];
  /** What the decoder sees at inference, where no mask is known. */
  readonly inference: 'full' | 'action';
  /** Whether the condition is cut off from the base: then the losses of the diffusion do not change the base through it. */
  readonly detached: boolean;
  /** s: masks are scaled to ±s before noise is added. */
  readonly snrScale: number;
  readonly sampling: SamplingConfig;
}

/** As the sibling of ActionDiff has it: the condition is the CAS, whose logits the decoder's are added to. */
export interface FamilyConfig extends ActionDiffCommon {
  readonly mode: 'family';
  /** Factor of the loss between the log-softmax of the output and the mask. */
  readonly weight: number;
}

/** Our realisation of ActionDiff's abstract: the diffusion refines the features ("latent action space") and the attention. */
export interface LatentConfig extends ActionDiffCommon {
  readonly mode: 'latent';
  /** Channels that the features are projected to as the condition. */
  readonly conditionWidth: number;
  /** λ: share of the latent action features in the refined ones, 0 to 1. */
  readonly blend: number;
  readonly weights: {
    /** λ1: cross-entropy of the denoised mask. */
    readonly mask: number;
    /** λ2: truncated squared difference of the log-softmax of neighbouring snippets. */
    readonly smoothness: number;
    /** λ3: squared difference of the attention and the denoised mask, drawing the attention. */
    readonly attention: number;
    /** The same, drawing the denoised mask. */
    readonly reverse: number;
  };
}

export type ActionDiffConfig = FamilyConfig | LatentConfig;

const weight = numberIn(0);

export const samplingRules: Rules<SamplingConfig> = {
  steps: integer(1, 1000),
  eta: numberIn(0, 1),
  seed: uint32,
};

const commonRules: Rules<ActionDiffCommon> = {
  decoder: decoderRule,
  mask: maskRule,
  conditions: someOf(oneOf('full', 'action', 'action-topk', 'zero')),
  inference: oneOf('full', 'action'),
  detached: flag,
  snrScale: positive,
  sampling: onlyFields(samplingRules),
};

const familyRule = onlyFields<FamilyConfig>({ ...commonRules, mode: oneOf('family'), weight });
const latentRule = onlyFields<LatentConfig>({
  ...commonRules,
  mode: oneOf('latent'),
  conditionWidth: integer(1),
  blend: numberIn(0, 1),
  weights: onlyFields<LatentConfig['weights']>({
    mask: weight,
    smoothness: weight,
    attention: weight,
    reverse: weight,
  }),
});

export const actionDiffRule = objectBy<'mode', ActionDiffConfig>('mode', {
  family: familyRule,
  latent: latentRule,
});

/** Diffusion branches by name. What the sibling's code fixes is as there; the ratio of the masks is ours. */
export const actionDiffConfigs = {
  family: {
    mode: 'family',
    decoder: familyDecoder,
    mask: { kind: 'top-k', ratio: 5, median: true },
    conditions: ['full'],
    inference: 'full',
    detached: false,
    snrScale: 0.5,
    sampling: { steps: 10, eta: 1, seed: 0 },
    weight: 1,
  },
  latent: {
    mode: 'latent',
    decoder: diffActDecoder,
    mask: { kind: 'top-k', ratio: 5, median: true },
    conditions: ['full', 'action', 'action-topk', 'zero'],
    inference: 'action',
    detached: false,
    snrScale: 0.5,
    sampling: { steps: 25, eta: 1, seed: 0 },
    conditionWidth: 64,
    blend: 0.3,
    weights: { mask: 0.5, smoothness: 0.1, attention: 0.5, reverse: 0 },
  },
} as const satisfies Readonly<Record<string, ActionDiffConfig>>;
