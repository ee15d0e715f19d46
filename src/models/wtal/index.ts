/** Weakly supervised temporal action localization: `tal-webgpu/models/wtal`. */

export {
  type ActionDiffCommon,
  type ActionDiffConfig,
  actionDiffConfigs,
  type ConditionKind,
  type FamilyConfig,
  type LatentConfig,
  type SamplingConfig,
} from './actiondiff/config.js';
export type { MaskDecoderConfig } from './actiondiff/decoder-config.js';
export type { DiffActDecoder } from './actiondiff/diffact-decoder.js';
export type {
  ClassifyingBase,
  DiffusionBranch,
  DiffusionTraining,
  Refined,
} from './actiondiff/diffusion-branch.js';
export { type BranchBase, makeDiffusionBranch } from './actiondiff/make-branch.js';
export type { MaskBank, MaskBankSizes } from './actiondiff/mask-bank.js';
export type { DenoiseMask, MaskDiffusion, SampleOptions } from './actiondiff/mask-diffusion.js';
export type { MaskConfig } from './actiondiff/masks.js';
export type { DiffusionDraw, DiffusionOperands } from './actiondiff/operands.js';
export { type BaseOutputs, type Reconstruction, WtalBase } from './base.js';
export { Co2Net, type Co2NetConfig } from './bases/co2net.js';
export { FourHead, type FourHeadConfig } from './bases/four-head.js';
export { LocalBase, type LocalConfig } from './bases/local.js';
export {
  type BaseConfig,
  type BaseRecipe,
  type CmcsBase,
  type Co2NetBase,
  type FourHeadBase,
  type LocalBaseConfig,
  makeBase,
} from './bases/make-base.js';
export { Cmcs, type CmcsConfig, type CmcsOutputs, type CmcsScores } from './cmcs.js';
export { type CmcsFile, loadCmcs } from './cmcs-folder.js';
export { type Localization, localizeActions } from './localize.js';
export type { CaptionOrderConfig, CaptionOrderOperands } from './mllm4wtal/caption-order.js';
export { type CaptionIds, CaptionWords } from './mllm4wtal/caption-words.js';
export type { GuidanceConfig } from './mllm4wtal/config.js';
export type { CaptionOperands, Csr, CsrConfig } from './mllm4wtal/csr.js';
export type { DualTransformerConfig } from './mllm4wtal/dual-transformer.js';
export { Guidance, type GuidanceOperands, type GuidanceSizes } from './mllm4wtal/guidance.js';
export { keyVectors } from './mllm4wtal/key-vectors.js';
export type { KeyMatch, KeyOperands, Ksm, KsmConfig, KsmSizes } from './mllm4wtal/ksm.js';
export type { GeneratedMask, MaskGeneratorConfig } from './mllm4wtal/mask-generator.js';
export {
  type KeyPhrases,
  type PriorsUse,
  readPriors,
  type SemanticPriors,
  type VideoSemantics,
  writePriors,
} from './mllm4wtal/priors.js';
export {
  type LabelledVideo,
  type StandInKind,
  scrambledPriors,
  standInPriors,
} from './mllm4wtal/stand-in-priors.js';
export {
  type MaskedLosses,
  type ObjectiveOperands,
  objectiveLoss,
  type WeightedLoss,
  type WtalObjective,
  wtalObjectives,
} from './objective.js';
export {
  CMCS_ACTIVITYNET_PROPOSALS,
  CMCS_PROPOSALS,
  CO2NET_PROPOSALS,
  type LocalizationScores,
  type ProposalOptions,
  type ProposedSegment,
  proposeSegments,
  type Timing,
} from './proposals.js';
export type { FeatureSnippets, SignalSnippets, Snippets, SnippetsConfig } from './snippets.js';
export type { VideoScoreConfig } from './video-scores.js';
export type { WtalConfig } from './wtal-config.js';
export { type LoadedWtal, loadWtal, saveWtal, type WtalFile } from './wtal-folder.js';
export { WtalNetwork } from './wtal-network.js';
