/** Weakly supervised temporal action localization: `tal-webgpu/models/wtal`. */

export { type BaseOutputs, type Reconstruction, WtalBase } from './base.js';
export { Co2Net, type Co2NetConfig } from './bases/co2net.js';
export { FourHead, type FourHeadConfig } from './bases/four-head.js';
export { LocalBase, type LocalConfig } from './bases/local.js';
export {
  type BaseConfig,
  type CmcsBase,
  type Co2NetBase,
  type FourHeadBase,
  type LocalBaseConfig,
  makeBase,
} from './bases/make-base.js';
export { Cmcs, type CmcsConfig, type CmcsOutputs, type CmcsScores } from './cmcs.js';
export { type CmcsFile, loadCmcs } from './cmcs-folder.js';
export { type Localization, localizeActions } from './localize.js';
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
